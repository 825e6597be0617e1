"""How data sets lie on disk: MVTec AD, VisA, ``meta.json``, plain folders."""
