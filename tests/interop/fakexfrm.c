/* SPDX-License-Identifier: MIT
 *
 * Lets an IKE daemon finish its Quick Modes on a kernel that keeps IPsec policies but lacks ESP and AH
 * (CONFIG_XFRM_USER=y, CONFIG_INET_ESP=n), as many container hosts do. Preloaded (LD_PRELOAD) into the daemon, it
 * turns every request to install an SA into a netlink message that the kernel merely acknowledges, and writes the
 * SA, keys and all, as one line of JSON to the file named by FAKEXFRM_LOG.
 *
 * So there are IKE and its outcome, but no data plane: nothing is encrypted, and no SA ever expires by time.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

struct attribute {
    unsigned short length, type;
    unsigned char value[];
};

static int is_xfrm_socket(int fd) {
    int value;
    socklen_t size = sizeof value;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &size) || value != AF_NETLINK)
        return 0;
    size = sizeof value;
    return !getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &value, &size) && value == NETLINK_XFRM;
}

static void write_hex(FILE *log, const char *name, const void *octets, unsigned int bits) {
    const unsigned char *octet = octets;
    fprintf(log, ",\"%s\":\"", name);
    for (unsigned int i = 0; i < bits / 8; i++)
        fprintf(log, "%02x", octet[i]);
    fputc('"', log);
}

static void write_attribute(FILE *log, const struct attribute *attribute) {
    const void *value = attribute->value;
    switch (attribute->type) {
    case XFRMA_ALG_CRYPT: {
        const struct xfrm_algo *algorithm = value;
        fprintf(log, ",\"enc\":\"%s\"", algorithm->alg_name);
        write_hex(log, "enc_key", algorithm->alg_key, algorithm->alg_key_len);
        break;
    }
    case XFRMA_ALG_AUTH: { /* the kernel's default truncation */
        const struct xfrm_algo *algorithm = value;
        fprintf(log, ",\"auth\":\"%s\"", algorithm->alg_name);
        write_hex(log, "auth_key", algorithm->alg_key, algorithm->alg_key_len);
        break;
    }
    case XFRMA_ALG_AUTH_TRUNC: {
        const struct xfrm_algo_auth *algorithm = value;
        fprintf(log, ",\"auth\":\"%s\",\"auth_bits\":%u", algorithm->alg_name, algorithm->alg_trunc_len);
        write_hex(log, "auth_key", algorithm->alg_key, algorithm->alg_key_len);
        break;
    }
    case XFRMA_ALG_AEAD: { /* the key ends with the salt */
        const struct xfrm_algo_aead *algorithm = value;
        fprintf(log, ",\"enc\":\"%s\",\"icv_bits\":%u", algorithm->alg_name, algorithm->alg_icv_len);
        write_hex(log, "enc_key", algorithm->alg_key, algorithm->alg_key_len);
        break;
    }
    case XFRMA_ENCAP: {
        const struct xfrm_encap_tmpl *encapsulation = value;
        fprintf(log, ",\"encap_ports\":[%u,%u]", ntohs(encapsulation->encap_sport), ntohs(encapsulation->encap_dport));
        break;
    }
    }
}

static void write_sa(const struct nlmsghdr *header) {
    const char *path = getenv("FAKEXFRM_LOG");
    FILE *log = path ? fopen(path, "a") : NULL;
    if (!log)
        return;
    const struct xfrm_usersa_info *sa = NLMSG_DATA(header);
    char source[INET6_ADDRSTRLEN], destination[INET6_ADDRSTRLEN];
    inet_ntop(sa->family, &sa->saddr, source, sizeof source);
    inet_ntop(sa->family, &sa->id.daddr, destination, sizeof destination);
    fprintf(log, "{\"source\":\"%s\",\"destination\":\"%s\",\"spi\":\"%08x\",\"protocol\":%u,\"mode\":%u", source, destination,
            ntohl(sa->id.spi), sa->id.proto, sa->mode);

    const unsigned char *at = (const unsigned char *)sa + NLMSG_ALIGN(sizeof *sa);
    const unsigned char *end = (const unsigned char *)header + header->nlmsg_len;
    while (end - at >= (ptrdiff_t)sizeof(struct attribute)) {
        const struct attribute *attribute = (const void *)at;
        if (attribute->length < sizeof *attribute || attribute->length > end - at)
            break;
        write_attribute(log, attribute);
        at += NLMSG_ALIGN(attribute->length);
    }
    fputs("}\n", log);
    fclose(log);
}

/* What the kernel shall get instead of the request in `message`; returns its length. */
static size_t defuse(void *message, size_t length) {
    struct nlmsghdr *header = message;
    switch (header->nlmsg_type) {
    case XFRM_MSG_NEWSA:
        write_sa(header);
        header->nlmsg_type = NLMSG_NOOP;
        return length;
    case XFRM_MSG_UPDSA: { /* delete the larval state that ALLOCSPI made: it would expire and end the SA */
        write_sa(header);
        struct xfrm_usersa_info sa;
        memcpy(&sa, NLMSG_DATA(header), sizeof sa);
        struct xfrm_usersa_id larval = {.daddr = sa.id.daddr, .spi = sa.id.spi, .family = sa.family, .proto = sa.id.proto};
        memcpy(NLMSG_DATA(header), &larval, sizeof larval);
        header->nlmsg_type = XFRM_MSG_DELSA;
        header->nlmsg_len = NLMSG_LENGTH(sizeof larval);
        return header->nlmsg_len;
    }
    case XFRM_MSG_DELSA:
        header->nlmsg_type = NLMSG_NOOP;
        return length;
    }
    return length;
}

typedef ssize_t send_function(int, const void *, size_t, int, const struct sockaddr *, socklen_t);

static ssize_t send_defused(send_function *real, int fd, const void *buffer, size_t length, int flags,
                            const struct sockaddr *address, socklen_t address_length) {
    if (length < sizeof(struct nlmsghdr) || length > UINT16_MAX || !is_xfrm_socket(fd))
        return real(fd, buffer, length, flags, address, address_length);
    _Alignas(struct nlmsghdr) unsigned char message[length];
    memcpy(message, buffer, length);
    size_t shorter = defuse(message, length);
    ssize_t sent = real(fd, message, shorter, flags, address, address_length);
    return sent == (ssize_t)shorter ? (ssize_t)length : sent;
}

ssize_t sendto(int fd, const void *buffer, size_t length, int flags, const struct sockaddr *address,
               socklen_t address_length) {
    static send_function *real;
    if (!real)
        real = dlsym(RTLD_NEXT, "sendto");
    return send_defused(real, fd, buffer, length, flags, address, address_length);
}

ssize_t send(int fd, const void *buffer, size_t length, int flags) {
    return sendto(fd, buffer, length, flags, NULL, 0);
}
