#include "caps.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int get(struct __user_cap_data_struct data[2])
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
    return (int) syscall(__NR_capget, &header, data);
}

int caps_effective(uint64_t *mask)
{
    struct __user_cap_data_struct data[2];
    if (get(data))
        return -1;
    *mask = (uint64_t) data[1].effective << 32 | data[0].effective;
    return 0;
}

int caps_bound(uint64_t mask)
{
    for (int cap = 0; cap < 64; cap++)
        if (!(mask >> cap & 1) && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1 && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
            return -1;
    return 0;
}

int caps_limit(uint64_t mask)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
    struct __user_cap_data_struct data[2];
    if (get(data))
        return -1;
    for (int half = 0; half < 2; half++) {
        uint32_t keep = (uint32_t) (mask >> (32 * half));
        data[half].effective &= keep;
        data[half].permitted &= keep;
        data[half].inheritable &= keep; /* takes it out of the ambient set, too */
    }
    return (int) syscall(__NR_capset, &header, data);
}
