/* Stands in for the drivers of real GPUs: a Vulkan driver that does, when it is loaded, what NVIDIA's and Mesa's
 * libraries are known to do, and says what comes of each: a line "NAME RESULT", where RESULT is ok or the error.
 * Drivers are loaded after the seal, so this is what the profile gives them. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096

static void say(const char* name, int failed) {
  dprintf(STDERR_FILENO, "%s %s\n", name, failed ? strerrorname_np(errno) : "ok");
}

static void try_open(const char* name, const char* path, int flags) {
  const int fd = open(path, flags | O_CLOEXEC);
  say(name, fd < 0);
  if (fd >= 0) close(fd);
}

static void try_list(const char* name, const char* path) {
  DIR* folder = opendir(path);
  say(name, folder == NULL);
  if (folder != NULL) closedir(folder);
}

static void try_access(const char* name, const char* path) { say(name, access(path, F_OK) != 0); }

static void try_map(const char* name, int fd, int flags, int protection) {
  void* memory = mmap(NULL, PAGE, protection, flags, fd, 0);
  say(name, memory == MAP_FAILED);
  if (memory != MAP_FAILED) munmap(memory, PAGE);
}

static void* sleep_a_moment(void* unused) {
  usleep(200000);
  return unused;
}
static void* return_at_once(void* unused) { return unused; }

static void say_number(const char* name, int error) {
  errno = error;
  say(name, error != 0);
}

static void try_files(void) {
  try_list("list /", "/");
  try_list("list /dev/dri", "/dev/dri");
  try_list("list /sys/dev/char", "/sys/dev/char");
  try_list("list /home", "/home");
  try_open("render node", "/dev/dri/renderD128", O_RDWR);
  try_open("display node", "/dev/dri/card0", O_RDWR);
  try_open("nvidia node", "/dev/nvidia0", O_RDWR);
  try_open("nvidia control node", "/dev/nvidiactl", O_RDWR);
  try_open("nvidia capability node", "/dev/nvidia-caps/nvidia-cap1", O_RDONLY);
  try_open("random numbers", "/dev/random", O_RDONLY);
  try_open("nvidia parameters", "/proc/driver/nvidia/params", O_RDONLY);
  try_open("modules", "/proc/modules", O_RDONLY);
  try_open("kernel version", "/proc/version", O_RDONLY);
  try_open("kernel release", "/proc/sys/kernel/osrelease", O_RDONLY);
  try_open("processor", "/proc/cpuinfo", O_RDONLY);
  try_open("activity of all", "/proc/stat", O_RDONLY);
  try_open("own maps", "/proc/self/maps", O_RDONLY);
  try_open("password file", "/etc/passwd", O_RDONLY);
  try_access("nvidia module", "/sys/module/nvidia/initstate");
  try_access("nvidia modeset module", "/sys/module/nvidia_modeset/initstate");
  try_access("nvidia uvm module", "/sys/module/nvidia_uvm/initstate");
  try_access("nvidia drm module", "/sys/module/nvidia_drm/initstate");
}

static void try_nodes(void) {
  struct {
    struct file_handle handle;
    char room[MAX_HANDLE_SZ];
  } file = {.handle = {.handle_bytes = MAX_HANDLE_SZ}};
  int mount;
  say("repair a node", chmod("/dev/nvidiactl", 0666) != 0);
  say("give a node away", chown("/dev/nvidiactl", 0, 0) != 0);
  say("make a node", mknod("/dev/nvidia-modeset", S_IFCHR | 0666, 0xc3fe) != 0);
  say("make a pipe", mknod("/scratch/pipe", S_IFIFO | 0600, 0) != 0);
  say("handle of a file", name_to_handle_at(AT_FDCWD, "/", &file.handle, &mount, 0) != 0);
}

static void try_memory(void) {
  const int both = PROT_READ | PROT_WRITE;
  try_map("locked memory", -1, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, both);
  try_map("memory below 2 GiB", -1, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, both);
  try_map("code", -1, MAP_PRIVATE | MAP_ANONYMOUS, both | PROT_EXEC);
  void* memory = mmap(NULL, PAGE, both, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  say("lock memory", mlock(memory, PAGE) != 0);
  say("lock memory 2", syscall(SYS_mlock2, memory, PAGE, 0) != 0);
  const int shared = memfd_create("stand-in", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  say("sealed memory", ftruncate(shared, PAGE) != 0 || fcntl(shared, F_ADD_SEALS, F_SEAL_SHRINK) != 0);
  try_map("code in shared memory", shared, MAP_SHARED, PROT_READ | PROT_EXEC);
  const int file = open("/scratch/code", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  say("file in scratch", file < 0 || ftruncate(file, PAGE) != 0);
  if (file >= 0) try_map("code in a file", file, MAP_SHARED, PROT_READ | PROT_EXEC);
}

static void try_threads(void) {
  pthread_t other, affine;
  pthread_attr_t attributes;
  cpu_set_t one;
  struct sched_param none = {0};
  CPU_ZERO(&one);
  CPU_SET(0, &one);
  say_number("thread", pthread_create(&other, NULL, sleep_a_moment, NULL));
  say_number("name of a thread", pthread_setname_np(pthread_self(), "stand-in"));
  say_number("name of another thread", pthread_setname_np(other, "another"));
  say_number("scheduler of a thread", pthread_setschedparam(other, SCHED_BATCH, &none));
  say_number("place of a thread", pthread_setaffinity_np(other, sizeof one, &one));
  pthread_attr_init(&attributes);
  pthread_attr_setaffinity_np(&attributes, sizeof one, &one);
  const int error = pthread_create(&affine, &attributes, return_at_once, NULL);
  say_number("thread with a place", error);
  if (error == 0) pthread_join(affine, NULL);
  pthread_join(other, NULL);
  say("priority", setpriority(PRIO_PROCESS, 0, 5) != 0);
}

static void try_processes(void) {
  char* arguments[] = {"/usr/bin/nvidia-modprobe", NULL};
  pid_t child = fork();
  if (child == 0) _exit(0);
  say("fork", child < 0);
  say_number("spawn nvidia-modprobe", posix_spawn(&child, "/bin/true", NULL, NULL, arguments, NULL));
  say("wait for a child", syscall(SYS_wait4, -1, NULL, 1, NULL) < 0);
  say("socket", socket(AF_UNIX, SOCK_STREAM, 0) < 0);
}

static void try_kernel(void) {
  timer_t timer;
  say("personality", personality(0xFFFFFFFF) < 0);
  say("userfaultfd", syscall(SYS_userfaultfd, 0) < 0);
  say("pidfd_open", syscall(SYS_pidfd_open, getpid(), 0) < 0);
  say("tkill", syscall(SYS_tkill, gettid(), 0) < 0);
  say("move_pages", syscall(SYS_move_pages, 0, 0UL, NULL, NULL, NULL, 0) < 0);
  say("perf_event_open", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0) < 0);
  say("kcmp", syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, 0, 0) < 0);
  say("timer_create", timer_create(CLOCK_MONOTONIC, NULL, &timer) < 0);
  say("set_mempolicy", syscall(SYS_set_mempolicy, 0, NULL, 0UL) < 0);
}

static void try_ioctls(void) {
  static const struct {
    const char* name;
    unsigned long number;
  } calls[] = {{"ioctl of nvidia", 0xc04846d2}, {"ioctl of nvidia modeset", 0xc0106d00},
               {"ioctl of nvidia uvm", 1},      {"ioctl of drm", 0xc0406400},
               {"ioctl of dma-buf", 0x40086200}, {"ioctl of sync_file", 0xc0303e03},
               {"ioctl of dxg", 0xc0084701},    {"ioctl of kfd", 0x80084b01},
               {"ioctl of nvmap", 0xc0084e00},  {"ioctl of a terminal", 0x5401}};
  char argument[256] = {0};
  const int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (size_t i = 0; i < sizeof calls / sizeof *calls; ++i) {
    say(calls[i].name, ioctl(fd, calls[i].number, argument) < 0);
  }
  close(fd);
}

/* Mesa's drivers find GPUs by this function of libdrm. */
static void try_libdrm(void) {
  void* library = dlopen("libdrm.so.2", RTLD_NOW);
  int (*get_devices)(uint32_t, void**, int) =
      library == NULL ? NULL : (int (*)(uint32_t, void**, int))dlsym(library, "drmGetDevices2");
  void* devices[8];
  const int count = get_devices == NULL ? -ENOSYS : get_devices(0, devices, 8);
  if (count < 0) {
    say_number("devices of libdrm", -count);
  } else {
    dprintf(STDERR_FILENO, "devices of libdrm %d\n", count);
  }
}

__attribute__((constructor)) static void load(void) {
  try_files();
  try_nodes();
  try_memory();
  try_threads();
  try_processes();
  try_kernel();
  try_ioctls();
  try_libdrm();
}

void* vk_icdGetInstanceProcAddr(void* instance, const char* name) {
  (void)instance, (void)name;
  return NULL;
}
