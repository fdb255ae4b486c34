"""From scores to points: a line fitted on runs that happened, its error on runs it has not seen."""
