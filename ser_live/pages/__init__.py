"""Ground of every HTML page: template, stylesheet, colours, and charts as SVG made in Python."""
