"""The network resource model: managed objects as consumers of the management services see them."""
