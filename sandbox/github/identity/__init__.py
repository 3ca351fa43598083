"""A provider of OpenID Connect beside GitHub: the company's directory, in which people log in to Argo CD."""
