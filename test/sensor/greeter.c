/* An application for the relay's test: greets on 127.0.0.1:8080, then says everything back. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int echo(int peer)
{
    char bytes[65536];
    ssize_t got = 0;
    if (write(peer, "hello\n", 6) != 6)
        return 1;
    while ((got = read(peer, bytes, sizeof bytes)) > 0)
        for (ssize_t done = 0; done < got;) {
            ssize_t put = write(peer, bytes + done, (size_t) (got - done));
            if (put < 0)
                return 1;
            done += put;
        }
    return got < 0;
}

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8080)};
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    signal(SIGCHLD, SIG_IGN);
    if (bind(listener, (struct sockaddr *) &address, sizeof address) != 0 || listen(listener, 64) != 0)
        return 1;
    puts("ready");
    fflush(stdout);
    for (;;) {
        int peer = accept(listener, NULL, NULL);
        if (peer >= 0 && fork() == 0)
            _exit(echo(peer));
        close(peer);
    }
}
