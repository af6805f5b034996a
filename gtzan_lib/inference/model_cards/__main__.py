"""Write the model cards, as in the description of the package."""

from . import write_model_cards

if __name__ == "__main__":
    for file in write_model_cards():
        print(file)
