/*
 * measure.c - runs a command and prints what it cost, as one JSON line on standard output.
 *
 *   measure NAME -- COMMAND [ARG...]
 *   {"name":"put","wall_s":1.234,"cpu_s":0.987,"peak_rss_kib":45678,"exit":0}
 *
 * The figures are the kernel's own accounting of the finished command and all it waited for.  The
 * command's own standard output goes to standard error, so that the line stands alone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

static int exit_code_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void run_command(char **command)
{
    dup2(STDERR_FILENO, STDOUT_FILENO);
    execvp(command[0], command);
    fprintf(stderr, "measure: run %s: %s\n", command[0], strerror(errno));
    _exit(127);
}

int main(int argc, char **argv)
{
    if (argc < 4 || strcmp(argv[2], "--") != 0) {
        fprintf(stderr, "usage: measure NAME -- COMMAND [ARG...]\n");
        return 2;
    }
    double start = seconds_now();
    pid_t child = fork();
    if (child < 0) {
        fprintf(stderr, "measure: fork: %s\n", strerror(errno));
        return 1;
    }
    if (child == 0) {
        run_command(argv + 3);
    }
    int status = 0;
    struct rusage usage;
    if (wait4(child, &status, 0, &usage) != child) {
        fprintf(stderr, "measure: wait for %s: %s\n", argv[3], strerror(errno));
        return 1;
    }
    printf("{\"name\":\"%s\",\"wall_s\":%.3f,\"cpu_s\":%.3f,\"peak_rss_kib\":%ld,\"exit\":%d}\n",
        argv[1], seconds_now() - start, seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime),
        usage.ru_maxrss, exit_code_of(status));
    return exit_code_of(status);
}
