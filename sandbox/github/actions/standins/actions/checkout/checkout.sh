#!/bin/bash
# Brings one commit of a repository into the workspace, as actions/checkout does.
set -euo pipefail

server=${CHECKOUT_SERVER:-$GITHUB_SERVER_URL}
server=${server%/}
destination=$GITHUB_WORKSPACE${CHECKOUT_PATH:+/$CHECKOUT_PATH}
case $(realpath -m "$destination")/ in
  "$(realpath "$GITHUB_WORKSPACE")"/*) ;;
  *) echo "::error::Repository path '$destination' is not under '$GITHUB_WORKSPACE'"; exit 1 ;;
esac
own=no
[ "${CHECKOUT_REPOSITORY,,}" = "${GITHUB_REPOSITORY,,}" ] && own=yes

mkdir -p "$destination"
cd "$destination"
git config --global --add safe.directory "$destination"
url=$server/$CHECKOUT_REPOSITORY
if [ "$(git config --get remote.origin.url 2>/dev/null)" != "$url" ] || [ ! -d .git ]; then
  [ "$CHECKOUT_PATH" = "" ] && [ ! -d .git ] || find . -mindepth 1 -delete
  git init --quiet --initial-branch=main .
  git remote add origin "$url"
elif [ "$CHECKOUT_CLEAN" = true ]; then
  git clean --quiet -ffdx && git reset --quiet --hard || true
fi
git config gc.auto 0

header=http.$server/.extraheader
credentials="AUTHORIZATION: basic $(printf 'x-access-token:%s' "$CHECKOUT_TOKEN" | base64 --wrap=0)"
echo "::add-mask::${credentials##* }"
git config "$header" "$credentials"

options=(--quiet --no-recurse-submodules --prune)
if [ "$CHECKOUT_DEPTH" -gt 0 ]; then
  options+=(--depth="$CHECKOUT_DEPTH")
elif [ -f .git/shallow ]; then
  options+=(--unshallow)
fi
[ "$CHECKOUT_TAGS" = true ] || [ "$CHECKOUT_DEPTH" -le 0 ] || options+=(--no-tags)

ref=$CHECKOUT_REF
commit=
if [ -z "$ref" ] && [ "$own" = yes ]; then
  ref=$GITHUB_REF
  commit=$GITHUB_SHA
elif [ -z "$ref" ]; then
  ref=$(git ls-remote --symref origin HEAD | sed -n 's/^ref: \(.*\)\tHEAD$/\1/p')
elif [[ $ref =~ ^[0-9a-f]{40}$ ]]; then
  commit=$ref
  ref=
fi
fetch() {
  for pause in 1 2 0; do
    if git fetch "${options[@]}" origin "$@"; then return; fi
    [ "$pause" = 0 ] || sleep "$pause"
  done
  echo "::error::The process '/usr/bin/git' failed: fetch of ${ref:-$commit} from $CHECKOUT_REPOSITORY"
  exit 1
}
if [ "$CHECKOUT_DEPTH" -le 0 ]; then
  fetch '+refs/heads/*:refs/remotes/origin/*' '+refs/tags/*:refs/tags/*' ${commit:+"$commit"}
fi
case $ref in
  refs/heads/*)
    name=${ref#refs/heads/}
    fetch "+${commit:-$ref}:refs/remotes/origin/$name"
    git checkout --quiet --force -B "$name" "refs/remotes/origin/$name"
    ;;
  refs/tags/*)
    fetch "+${commit:-$ref}:$ref"
    git checkout --quiet --force "$ref"
    ;;
  refs/pull/*)
    name=${ref#refs/}
    fetch "+${commit:-$ref}:refs/remotes/$name"
    git checkout --quiet --force "refs/remotes/$name"
    ;;
  "")
    fetch "$commit"
    git checkout --quiet --force "$commit"
    ;;
  *)
    # A short name: a branch before a tag.
    if git ls-remote --exit-code --heads origin "refs/heads/$ref" > /dev/null; then
      fetch "+refs/heads/$ref:refs/remotes/origin/$ref"
      git checkout --quiet --force -B "$ref" "refs/remotes/origin/$ref"
    elif git ls-remote --exit-code --tags origin "refs/tags/$ref" > /dev/null; then
      fetch "+refs/tags/$ref:refs/tags/$ref"
      git checkout --quiet --force "refs/tags/$ref"
    else
      echo "::error::A branch or tag with the name '$ref' could not be found"
      exit 1
    fi
    ;;
esac
[ "$CHECKOUT_SUBMODULES" = false ] || git submodule update --quiet --init --recursive
[ "$CHECKOUT_PERSIST" = true ] || git config --unset-all "$header"
git log -1 --format='%H'
{
  echo "ref=$CHECKOUT_REF"
  echo "commit=$(git rev-parse HEAD)"
} >> "$GITHUB_OUTPUT"
