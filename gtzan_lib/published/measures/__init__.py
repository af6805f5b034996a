"""What the steps of the published run measure: one module for each."""
