"""Archives: recordings without end as parts that outlive every kind of end, and their merger."""
