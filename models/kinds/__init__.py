"""What kind of defect a region shows: a closed vocabulary learned from drawn defects, and classes that people teach."""
