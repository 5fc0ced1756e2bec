"""Records → frames → Plotly figures → one page."""
