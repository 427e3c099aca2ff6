"""Pure array maths: arrays in, arrays out; knows no dates and no assets."""
