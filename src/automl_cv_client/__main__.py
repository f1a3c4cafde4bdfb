"""``python -m automl_cv_client``: the command line, where the script ``automl-cv`` is not on the path."""

from automl_cv_client.cli import main

if __name__ == "__main__":
    main()
