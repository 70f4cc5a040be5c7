/* `sensor release`: ends what the application has stopped. */
#ifndef WINNOW_RELEASE_H
#define WINNOW_RELEASE_H

int release_main(int argc, char **argv);

#endif
