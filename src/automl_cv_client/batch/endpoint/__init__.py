"""Azure ML batch endpoints: the files to deploy one, a trial of them on this machine, and reading what one wrote."""
