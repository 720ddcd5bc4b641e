"""The network data analytics function (NWDAF, TS 23.288): `anlf` analyses, `mtlf` trains."""
