"""The pure core: values and decisions. No clock, file, process or database is in reach of any module here."""
