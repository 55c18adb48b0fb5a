/* file_system: what kind of file system a file lies on. */
#ifndef GUICHET_BASE_FILE_SYSTEM_H
#define GUICHET_BASE_FILE_SYSTEM_H

enum file_system {
    FILE_SYSTEM_LOCAL,   /* a disk of this host, as far as can be told */
    FILE_SYSTEM_MEMORY,  /* gone with the power */
    FILE_SYSTEM_NETWORK, /* of other hosts, or where nobody can know */
    FILE_SYSTEM_UNKNOWN  /* it cannot be asked: errno says why */
};

/* Of the open file; *name gets what it is called, for messages ("" for LOCAL and UNKNOWN). */
enum file_system file_system_of(int fd, const char **name);

#endif
