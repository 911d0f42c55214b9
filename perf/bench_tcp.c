/*
 * bench_tcp.c - what carrying bytes between two processes costs without any of our layers: the
 * floor under every stream.
 *
 * One process, two threads, a loopback TCP connection, 64 KiB writes and reads.  The CPU time is
 * that of both ends together.  Prints one line of JSON.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024 };

static const double gib = 1024.0 * 1024.0 * 1024.0;

static double cpu_now_s(void)
{
    struct timespec now;
    int rc = clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    assert(rc == 0);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void *send_all(void *context)
{
    int fd = *(const int *)context;
    static char bytes[CHUNK];
    for (size_t left = (size_t)gib; left > 0;) {
        ssize_t sent = write(fd, bytes, left < CHUNK ? left : CHUNK);
        assert(sent > 0);
        left -= (size_t)sent;
    }
    shutdown(fd, SHUT_WR);
    return NULL;
}

static void receive_all(int fd)
{
    static char bytes[CHUNK];
    size_t total = 0;
    for (ssize_t got; (got = read(fd, bytes, sizeof(bytes))) > 0;) {
        total += (size_t)got;
    }
    assert(total == (size_t)gib);
}

static void connect_pair(int fds[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || fds[0] < 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0 ||
        connect(fds[0], (struct sockaddr *)&address, sizeof(address)) != 0) {
        perror("bench_tcp: connect over loopback");
        exit(1);
    }
    fds[1] = accept(listener, NULL, NULL);
    assert(fds[1] >= 0);
    close(listener);
}

int main(void)
{
    int fds[2];
    pthread_t sender;
    connect_pair(fds);
    double start = cpu_now_s();
    int rc = pthread_create(&sender, NULL, send_all, &fds[0]);
    assert(rc == 0);
    receive_all(fds[1]);
    pthread_join(sender, NULL);
    printf("{\"bench\": \"tcp\", \"cpu_s_per_gib\": %.4f}\n", cpu_now_s() - start);
    close(fds[0]);
    close(fds[1]);
    return 0;
}
