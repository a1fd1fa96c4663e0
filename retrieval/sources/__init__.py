"""Sources to documents: one module a format, all with `parse(data, id, *, name, url) -> Document`."""
