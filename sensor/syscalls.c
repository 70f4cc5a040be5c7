#include "syscalls.h"

const struct abi *const abis[ABI_COUNT] = { [ABI_NATIVE] = &abi_native, [ABI_COMPAT] = &abi_compat };

const struct call *abi_call(const struct abi *abi, uint64_t number)
{
    for (size_t i = 0; i < abi->call_count; i++)
        if (abi->calls[i].number == number)
            return &abi->calls[i];
    return NULL;
}

const struct abi *abi_of(uint32_t audit)
{
    for (int i = 0; i < ABI_COUNT; i++)
        if (abis[i]->audit == audit)
            return abis[i];
    return NULL;
}
