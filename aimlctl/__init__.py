"""The command line of aimlnf: runs the network functions on this machine and speaks to them."""
