"""What connects Tandem to venues: one folder a protocol; `sim` matches orders, `recorded` plays data."""
