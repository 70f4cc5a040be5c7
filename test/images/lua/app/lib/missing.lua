return "nothing is pressed here\n"
