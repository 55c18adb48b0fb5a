#include "base/file_system.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/vfs.h>

/* From linux/magic.h, and from the sources of those that are not in it. */
static const struct {
    uint32_t magic;
    enum file_system kind;
    const char *name;
} table[] = {
    {0x00006969, FILE_SYSTEM_NETWORK, "NFS"},    {0x0000517B, FILE_SYSTEM_NETWORK, "SMB"},
    {0xFF534D42, FILE_SYSTEM_NETWORK, "CIFS"},   {0xFE534D42, FILE_SYSTEM_NETWORK, "SMB2"},
    {0x65735546, FILE_SYSTEM_NETWORK, "FUSE"},   {0x01021997, FILE_SYSTEM_NETWORK, "9p"},
    {0x5346414F, FILE_SYSTEM_NETWORK, "AFS"},    {0x6B414653, FILE_SYSTEM_NETWORK, "AFS"},
    {0x00C36400, FILE_SYSTEM_NETWORK, "Ceph"},   {0x73757245, FILE_SYSTEM_NETWORK, "Coda"},
    {0x0BD00BD0, FILE_SYSTEM_NETWORK, "Lustre"}, {0x01161970, FILE_SYSTEM_NETWORK, "GFS2"},
    {0x7461636F, FILE_SYSTEM_NETWORK, "OCFS2"},  {0x47504653, FILE_SYSTEM_NETWORK, "GPFS"},
    {0x19830326, FILE_SYSTEM_NETWORK, "BeeGFS"}, {0x0000564C, FILE_SYSTEM_NETWORK, "NCP"},
    {0x786F4256, FILE_SYSTEM_NETWORK, "vboxsf"}, {0xBACBACBC, FILE_SYSTEM_NETWORK, "vmhgfs"},
    {0x01021994, FILE_SYSTEM_MEMORY, "tmpfs"},   {0x858458F6, FILE_SYSTEM_MEMORY, "ramfs"},
};

enum file_system file_system_of(int fd, const char **name)
{
    struct statfs fs;

    *name = "";
    if (fstatfs(fd, &fs) != 0)
        return FILE_SYSTEM_UNKNOWN;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if ((uint32_t)fs.f_type != table[i].magic)
            continue;
        *name = table[i].name;
        return table[i].kind;
    }
    return FILE_SYSTEM_LOCAL;
}
