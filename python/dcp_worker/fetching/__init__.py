"""Code, arguments, data and modules of jobs, from where they may come: JobFetcher, ModuleFetcher, WorkFetcher."""
