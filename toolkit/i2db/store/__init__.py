"""The geo-database of a project and the parts it is made from; nothing else opens DuckDB."""
