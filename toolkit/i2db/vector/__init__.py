"""Ground truth and regions: files of polygons in, checked tables out, every oddity a finding."""
