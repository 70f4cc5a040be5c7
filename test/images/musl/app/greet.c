const char *greet(void);
const char *greet(void) { return "greetings from a plug-in\n"; }
