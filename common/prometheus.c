#include "common/prometheus.h"

#include <inttypes.h>
#include <sys/resource.h>
#include <unistd.h>

void prometheus_head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void prometheus_one(FILE *out, const char *name, const char *type, const char *help, uint64_t value)
{
    prometheus_head(out, name, type, help);
    fprintf(out, "%s %" PRIu64 "\n", name, value);
}

void prometheus_one_thousandths(
    FILE *out, const char *name, const char *type, const char *help, uint64_t value)
{
    prometheus_head(out, name, type, help);
    fprintf(out, "%s %" PRIu64 ".%03" PRIu64 "\n", name, value / 1000, value % 1000);
}

void prometheus_build(FILE *out)
{
    prometheus_head(out, "hearth_build_info", "gauge", "Which version this is.");
    fprintf(out, "hearth_build_info{version=\"" HEARTH_VERSION "\"} 1\n");
}

void prometheus_process(FILE *out)
{
    struct rusage usage;
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (statm != NULL) {
        if (fscanf(statm, "%*u %lu", &pages) != 1) {
            pages = 0;
        }
        fclose(statm);
    }
    prometheus_one(out, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.",
        pages * (unsigned long)sysconf(_SC_PAGESIZE));
    getrusage(RUSAGE_SELF, &usage);
    prometheus_head(out, "process_cpu_seconds_total", "counter", "User and system CPU time.");
    fprintf(out, "process_cpu_seconds_total %.3f\n",
        (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
            (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
}
