def speak():
    return "cluck"
