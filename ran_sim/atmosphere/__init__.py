"""The atmosphere over a place: what gases, clouds, rain and scintillation take from the link.

`maps` is the only door to itur and its digital maps, opened once at the start; `site` asks it for a
place's constants; `losses` turns constants and elevations into attenuations with closed formulas;
`tables` precomputes them by elevation; `rain_cells` moves rain over the land. After the start
nothing here calls itur.
"""
