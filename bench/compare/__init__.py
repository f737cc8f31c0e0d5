"""The comparison of script/bench: servers, loads, measures, report."""
