/* Prints a file that only root may read, for a caller who is not root: works only while the setuid bit is there. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int print_secret(void)
{
    char line[128];
    FILE *file = fopen("/etc/sample/secret", "r");
    if (!file) {
        fprintf(stderr, "vault: cannot read the secret as uid %d: %s\n", (int) geteuid(), strerror(errno));
        return 1;
    }
    while (fgets(line, sizeof line, file))
        fputs(line, stdout);
    fclose(file);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "whoami") == 0)
        return printf("real %d effective %d group %d\n", (int) getuid(), (int) geteuid(), (int) getegid()) < 0;
    return print_secret();
}
