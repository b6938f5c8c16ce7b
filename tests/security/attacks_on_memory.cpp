// Memory and kernel objects that no limit of the process counts, and memory shared with others.
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "attack.hpp"

namespace dcp::attacks {
namespace {

constexpr std::size_t kPage = 4096;

std::string map(int flags, const char* what) {
  const void* page = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
  return outcome(page == MAP_FAILED ? -1 : 0, what);
}

std::string map_shared() { return map(MAP_SHARED, "shared memory without a file"); }
std::string map_growing() { return map(MAP_PRIVATE | MAP_GROWSDOWN, "a second stack"); }
std::string map_huge() { return map(MAP_PRIVATE | MAP_HUGETLB | MAP_NORESERVE, "huge pages"); }
std::string huge_file() {
  const int fd = memfd_create("attack", MFD_CLOEXEC | MFD_HUGETLB);
  const std::string text = outcome(fd, "a memfd of huge pages");
  if (fd >= 0) close(fd);
  return text;
}
std::string alias_memory() {
  const int fd = memfd_create("attack", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, kPage) != 0) return outcome(-1);
  void* page = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (page == MAP_FAILED) return outcome(-1);
  return outcome(mremap(page, 0, kPage, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0, "a second mapping");
}
std::string merge_pages() {
  void* page = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return outcome(madvise(page, kPage, MADV_MERGEABLE), "pages merged with others'");
}
std::string many_descriptors() {
  int open_ones = 0, fd = 0;
  while (open_ones < 600 && (fd = dup(STDERR_FILENO)) >= 0) ++open_ones;
  return outcome(fd, "600 descriptors");
}
std::string watch_descriptors() {
  const int fd = epoll_create1(EPOLL_CLOEXEC);
  const std::string text = outcome(fd, "an epoll");
  if (fd >= 0) close(fd);
  return text;
}

/// Of sockets that it has, or of one that it makes.
std::string attach_filter() {
  sock_filter accept = BPF_STMT(BPF_RET | BPF_K, 0xffffffff);
  const sock_fprog program{1, &accept};
  int ends[2] = {-1, -1};
  (void)socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
  errno = ENOTSOCK;
  int result = -1;
  for (int fd = 0; fd < 64 && result != 0; ++fd) {
    const int before = errno;
    result = setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
    if (errno == EBADF || errno == ENOTSOCK) errno = before;
  }
  const std::string text = outcome(result, "a filter in the kernel");
  for (const int end : ends) {
    if (end >= 0) close(end);
  }
  return text;
}

constexpr Attack kAttacks[] = {
    ATTACK(map_shared),       ATTACK(map_growing),       ATTACK(map_huge),
    ATTACK(huge_file),        ATTACK(alias_memory),      ATTACK(merge_pages),
    ATTACK(many_descriptors), ATTACK(watch_descriptors), ATTACK(attach_filter),
};

}  // namespace

std::span<const Attack> on_memory() { return kAttacks; }

}  // namespace dcp::attacks
