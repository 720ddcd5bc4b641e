"""What runs a graph, behind the port `inference_nf.ports.Engine`."""
