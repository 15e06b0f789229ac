"""The methods, one paper a file; nothing but the package itself imports them."""
