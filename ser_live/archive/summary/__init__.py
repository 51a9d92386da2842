"""Groups of people in an archive: shares and differences whose unit is the person."""
