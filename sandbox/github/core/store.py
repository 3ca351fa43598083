"""Documents on disk: named tables of JSON objects in one SQLite file.

Every write is on disk before the call returns, so a killed server continues where it was. Reads are answered from
memory, and what they return is the caller's own copy: only `put` and `update` change a document.
"""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Document = dict[str, Any]
Key = str | int

FIRST_ID = 1000


def items(document: Document, name: str) -> list[Any]:
    """A field that is a list; empty where it is absent or null."""
    return document.get(name) or []


def mapping(document: Document, name: str) -> Document:
    """A field that is an object; empty where it is absent or null."""
    return document.get(name) or {}


class Table:
    """One named set of documents, kept in the order in which their keys first appeared."""

    def __init__(self, store: "Store", name: str, documents: dict[str, str]) -> None:
        self._store = store
        self._name = name
        self._documents = documents

    def get(self, key: Key) -> Document | None:
        """A copy of the document, or None."""
        text = self._documents.get(str(key))
        return None if text is None else json.loads(text)

    def put(self, key: Key, document: Document) -> None:
        """Creates or replaces a document."""
        text = json.dumps(document, separators=(",", ":"))
        with self._store.lock:
            self._store.write(self._name, str(key), text)
            self._documents[str(key)] = text

    def update(self, key: Key, change: Callable[[Document], None]) -> Document:
        """Applies `change` to the document with no other change in between, and returns the result.

        Raises:
            KeyError: there is no such document.
        """
        with self._store.lock:
            document = self.get(key)
            if document is None:
                raise KeyError(f"{self._name}/{key}")
            change(document)
            self.put(key, document)
            return document

    def delete(self, key: Key) -> bool:
        """Removes a document; says whether it was there."""
        with self._store.lock:
            if str(key) not in self._documents:
                return False
            self._store.write(self._name, str(key), None)
            del self._documents[str(key)]
            return True

    def all(self, prefix: str = "") -> list[Document]:
        """Copies of all documents whose key starts with the prefix, oldest first."""
        with self._store.lock:
            texts = [text for key, text in self._documents.items() if key.startswith(prefix)]
        return [json.loads(text) for text in texts]

    def keys(self, prefix: str = "") -> list[str]:
        """All keys that start with the prefix, oldest first."""
        with self._store.lock:
            return [key for key in self._documents if key.startswith(prefix)]

    def delete_all(self, prefix: str) -> None:
        """Removes every document whose key starts with the prefix."""
        for key in self.keys(prefix):
            self.delete(key)

    def next_id(self) -> int:
        """A number that no document of any table has been given before."""
        return self._store.next_id()

    def __iter__(self) -> Iterator[Document]:
        return iter(self.all())

    def __len__(self) -> int:
        return len(self._documents)


class Store:
    """The SQLite file and its tables. Safe to use from many threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.lock = threading.RLock()
        """Held during every write; hold it to make several reads and writes one step."""
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        # The file must survive a killed process, which NORMAL promises, and not a power cut, at an fsync a write.
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS documents (position INTEGER PRIMARY KEY, collection TEXT NOT NULL,"
            " key TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (collection, key))"
        )
        self._tables: dict[str, Table] = {}
        rows = self._connection.execute("SELECT collection, key, body FROM documents ORDER BY position")
        loaded: dict[str, dict[str, str]] = {}
        for collection, key, body in rows:
            loaded.setdefault(collection, {})[key] = body
        for name, documents in loaded.items():
            self._tables[name] = Table(self, name, documents)

    def table(self, name: str) -> Table:
        """The table of that name; it needs no creating."""
        with self.lock:
            if name not in self._tables:
                self._tables[name] = Table(self, name, {})
            return self._tables[name]

    def next_id(self) -> int:
        """A number never given before, restarts included."""
        with self.lock:
            counters = self.table("counters")
            last = (counters.get("id") or {"last": FIRST_ID})["last"]
            counters.put("id", {"last": last + 1})
            return last + 1

    def write(self, collection: str, key: str, body: str | None) -> None:
        """Puts one row on disk; a body of None removes it. For tables only."""
        if body is None:
            self._connection.execute("DELETE FROM documents WHERE collection = ? AND key = ?", (collection, key))
        else:
            self._connection.execute(
                "INSERT INTO documents (collection, key, body) VALUES (?, ?, ?)"
                " ON CONFLICT (collection, key) DO UPDATE SET body = excluded.body",
                (collection, key, body),
            )

    def close(self) -> None:
        """Closes the file; the store cannot be used afterwards."""
        with self.lock:
            self._connection.close()
