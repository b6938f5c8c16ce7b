// The folder of compiled code: nobody can exchange it, nothing that is not ours is removed, and one file does not drive
// out all others.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "cache/folder.hpp"
#include "check.hpp"
#include "ipc/memfd.hpp"

namespace fs = std::filesystem;
using namespace dcp;

namespace {

constexpr std::uint64_t kPlenty = std::uint64_t{1} << 30;
constexpr uid_t kOther = 12345;

struct Place {
  Place() {
    std::string name = (fs::temp_directory_path() / "cache-folder-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Place() { fs::remove_all(path); }
  fs::path path;
};

bool put(cache::Folder& folder, std::uint64_t key, std::size_t size) {
  const std::string bytes(size, 'x');
  return folder.put(
      cache::make_name(key, 0), size, [&](int fd) { ipc::write_all(fd, std::as_bytes(std::span(bytes))); }, false);
}

std::uint64_t size_of(const fs::path& folder) {
  std::uint64_t total = 0;
  for (const auto& entry : fs::directory_iterator(folder)) total += entry.file_size();
  return total;
}

mode_t mode_of(const fs::path& path) {
  struct stat status{};
  CHECK_EQ(stat(path.c_str(), &status), 0);
  return status.st_mode & 07777;
}

std::string refusal(const fs::path& path) { return cache::Folder(path, kPlenty).refusal(); }

void folders_are_made_for_this_user_alone() {
  for (const mode_t mask : {mode_t{0}, mode_t{0777}, mode_t{0002}}) {
    const Place place;
    const mode_t before = umask(mask);
    cache::Folder folder(place.path / "a" / "b", kPlenty);
    CHECK_EQ(folder.refusal(), "");
    CHECK(put(folder, 1, 10));
    (void)umask(before);
    CHECK_EQ(mode_of(place.path / "a"), 0700);
    CHECK_EQ(mode_of(place.path / "a" / "b"), 0700);
    CHECK_EQ(mode_of(place.path / "a" / "b" / cache::make_name(1, 0)), 0600);
  }
}

void the_reason_names_the_folder_at_fault() {
  const Place place;
  std::ofstream(place.path / "file") << "a file";
  CHECK(refusal(place.path / "file" / "below").starts_with((place.path / "file").string() + " is no folder: "));
  CHECK(refusal("/proc/none/below").starts_with("/proc/none cannot be made: No such file or directory; "));
  const fs::path open = place.path / "open";
  fs::create_directories(open / "inner");
  CHECK_EQ(chmod(open.c_str(), 0777), 0);
  CHECK(refusal(open / "inner").starts_with(open.string() + " may be written to by others"));
  CHECK(refusal(open / "new").starts_with(open.string() + " may be written to by others"));
  CHECK(refusal(open).starts_with(open.string() + " may be written to by others"));
  CHECK_EQ(chmod(open.c_str(), 01777), 0);  // as /tmp
  CHECK_EQ(refusal(open / "inner"), "");
  CHECK(refusal(open).starts_with(open.string() + " must belong to the user"));
  CHECK(refusal(open).ends_with("; DCP_EVALUATOR_CACHE may name another folder, or be off"));
}

void links_lead_where_they_may() {
  const Place place;
  fs::create_directories(place.path / "real" / "deep");
  fs::create_directory_symlink(place.path / "real", place.path / "absolute");
  fs::create_directory_symlink("real/./../real/deep", place.path / "relative");
  fs::create_directory_symlink("circle", place.path / "circle");
  CHECK_EQ(refusal(place.path / "absolute" / "one"), "");
  CHECK_EQ(refusal(place.path / "relative" / "two"), "");
  CHECK(fs::is_directory(place.path / "real" / "one") && fs::is_directory(place.path / "real" / "deep" / "two"));
  CHECK(refusal(place.path / "circle" / "x").find("too many links") != std::string::npos);
  CHECK(refusal(place.path / "absolute").find("is no folder") != std::string::npos);  // the folder itself
  // What others may write to is no way either.
  fs::create_directory(place.path / "open");
  fs::create_directory_symlink(place.path / "real", place.path / "open" / "link");
  CHECK_EQ(chmod((place.path / "open").c_str(), 0777), 0);
  CHECK(refusal(place.path / "open" / "link" / "x").find("may be written to by others") != std::string::npos);
}

// Only root can make what belongs to another user.
void folders_of_others_are_no_way() {
  if (geteuid() != 0) return;
  const Place place;
  const fs::path foreign = place.path / "foreign", sticky = place.path / "sticky";
  fs::create_directories(foreign / "modules");
  CHECK_EQ(chown(foreign.c_str(), kOther, kOther), 0);
  CHECK(refusal(foreign / "modules").starts_with(foreign.string() + " belongs to another user"));
  fs::create_directory(sticky);
  CHECK_EQ(chmod(sticky.c_str(), 01777), 0);
  fs::create_directory_symlink(place.path, sticky / "link");
  CHECK_EQ(lchown((sticky / "link").c_str(), kOther, kOther), 0);
  CHECK(refusal(sticky / "link" / "x").find("is a link that belongs to another user") != std::string::npos);
}

void it_stays_the_same_folder() {
  const Place place;
  const fs::path path = place.path / "modules", victim = place.path / "documents";
  fs::create_directory(victim);
  for (int i = 0; i < 5; ++i) std::ofstream(victim / cache::make_name(7, static_cast<std::uint64_t>(i))) << "document";
  cache::Folder folder(path, 1000);
  CHECK(put(folder, 1, 400));
  fs::rename(path, place.path / "moved");
  fs::create_directory_symlink(victim, path);
  for (std::uint64_t key = 2; key < 8; ++key) CHECK(put(folder, key, 400));
  CHECK_EQ(std::distance(fs::directory_iterator(victim), fs::directory_iterator()), 5);
  CHECK_EQ(size_of(victim), 5 * 8);
  CHECK_EQ(size_of(place.path / "moved"), 800);
}

void only_names_of_its_own_are_removed() {
  const Place place;
  const std::string foreign[] = {"thesis.txt",
                                 "0123456789abcdef",
                                 "0123456789abcdef-0123456789abcdef.bak",
                                 "0123456789abcdef-0123456789abcdeg",
                                 "0123456789abcdef-0123456789abcdef-",
                                 "0123456789abcdef-0123456789abcdef-0x",
                                 ".new-draft",
                                 ".new-1-2-3",
                                 ".lock-door"};
  const std::string own[] = {".new-123-0", ".lock-" + cache::make_name(1, 2, 3), cache::make_name(1, 2),
                             cache::make_name(1, 2, 3)};
  for (const auto& names : {std::span<const std::string>(foreign), std::span<const std::string>(own)}) {
    for (const std::string& name : names) {
      std::ofstream(place.path / name) << std::string(300, 'x');
      fs::last_write_time(place.path / name, fs::file_time_type::clock::now() - std::chrono::hours(48));
    }
  }
  fs::create_directory(place.path / cache::make_name(9, 9));
  cache::Folder folder(place.path, 1000);
  for (std::uint64_t key = 10; key < 14; ++key) CHECK(put(folder, key, 400));
  for (const std::string& name : foreign) CHECK(fs::exists(place.path / name));
  for (const std::string& name : own) CHECK(!fs::exists(place.path / name));
  CHECK(fs::is_directory(place.path / cache::make_name(9, 9)));
}

void room_is_made_before() {
  const Place place;
  cache::Folder folder(place.path, 1000);
  for (std::uint64_t key = 0; key < 4; ++key) CHECK(put(folder, key, 250));
  CHECK_EQ(size_of(place.path), 1000);
  std::uint64_t while_writing = 0;
  CHECK(folder.put(cache::make_name(4, 0), 500, [&](int) { while_writing = size_of(place.path); }, false));
  CHECK_EQ(while_writing, 500);
  CHECK(folder.has(cache::make_name(3, 0)) && !folder.has(cache::make_name(0, 0)));  // the oldest have gone
}

void one_file_does_not_drive_out_all() {
  const Place place;
  cache::Folder folder(place.path, 1000);
  for (std::uint64_t key = 0; key < 4; ++key) CHECK(put(folder, key, 200));
  bool asked = false;
  CHECK(!folder.put(cache::make_name(5, 0), 501, [&](int) { asked = true; }, false));
  CHECK(!asked);
  CHECK_EQ(size_of(place.path), 800);
}

}  // namespace

int main() {
  folders_are_made_for_this_user_alone();
  the_reason_names_the_folder_at_fault();
  links_lead_where_they_may();
  folders_of_others_are_no_way();
  it_stays_the_same_folder();
  only_names_of_its_own_are_removed();
  room_is_made_before();
  one_file_does_not_drive_out_all();
  return dcp::test::failures == 0 ? 0 : 1;
}
