/* `sensor observe`: becomes the application, traced by a hidden child. */
#ifndef WINNOW_OBSERVE_H
#define WINNOW_OBSERVE_H

/* Runs the mode. Returns the exit status; does not return when the application was executed. */
int observe_main(int argc, char **argv);

#endif
