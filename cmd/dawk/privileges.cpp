#include "cmd/dawk/privileges.hpp"

#include <cerrno>
#include <cstring>

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace dawk::cmd {
namespace {

bool set_capabilities(unsigned effective) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2] = {};
    data[0].effective = data[0].permitted = effective;
    return syscall(SYS_capset, &header, data) == 0;
}

std::string failure(std::string const& what) {
    return what + ": " + std::strerror(errno);
}

}  // namespace

std::string become_owner_of(std::string const& state_dir, bool allow_root) {
    struct stat folder {};
    if (::stat(state_dir.c_str(), &folder) != 0) {
        if (errno != ENOENT) return failure(state_dir);
        if (::geteuid() == 0 && !allow_root) {
            return state_dir +
                   " does not exist: make it for the user that mail belongs to, as in "
                   "\"install -d -o dawk -g dawk -m 0750 " +
                   state_dir + "\"";
        }
        if (::mkdir(state_dir.c_str(), 0750) != 0 || ::stat(state_dir.c_str(), &folder) != 0) {
            return failure(state_dir);
        }
    }
    if (!S_ISDIR(folder.st_mode)) return state_dir + " is not a folder";
    if (::geteuid() != 0 || allow_root) return {};
    if (folder.st_uid == 0) {
        return "started as root, and " + state_dir +
               " belongs to root: give it to the user that mail belongs "
               "to (\"chown -R dawk:dawk " +
               state_dir + "\"), whom the server then becomes";
    }
    constexpr unsigned bind_right = 1U << CAP_NET_BIND_SERVICE;
    if (::prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L) != 0) return failure("prctl");
    if (::setgroups(1, &folder.st_gid) != 0) return failure("setgroups");
    if (::setgid(folder.st_gid) != 0) return failure("setgid");
    if (::setuid(folder.st_uid) != 0) return failure("setuid");
    if (!set_capabilities(bind_right)) return failure("capset");
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) != 0) return failure("prctl");
    return {};
}

void drop_last_rights() {
    if (::geteuid() != 0) (void)set_capabilities(0);
}

}  // namespace dawk::cmd
