"""Settings of kernels in Docker and Binder."""

c = get_config()  # noqa: F821

# Notebooks name files from the project's root, and Jupyter starts them in their own folder.
c.InteractiveShellApp.exec_lines = [
    "import os; os.path.isfile('../Snakefile') and os.chdir('..')",
]
