"""Container images as GitHub keeps them: who may read and write a package, and the tokens that tell a registry so."""
