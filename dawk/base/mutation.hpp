// Mutation: a fault built into the server on purpose, one at a time, to see that the simulation
// finds it. What ships knows none: without DAWK_MUTATIONS (defined for test builds alone, and only
// for the sources of the modules that include this) mutated() is a constant false.
//
//     if (!mutated(Mutation::forget_folder_sync)) synced = files.sync_folders(folders);
//
// For .cpp files of envelope, queue, mta and sim only; never in a header.
#pragma once

#include <cstdint>

namespace dawk {

enum class Mutation : std::uint8_t {
    none,
    acknowledge_before_sync,
    forget_folder_sync,
    drop_second_recipient,
    ignore_backoff,
    deliver_again,
    report_without_sender,
    tls_downgrade,
    starve_destination,
    leak_connection_slot,
    wrong_record_version,
    forget_failed_commit,
};

#ifdef DAWK_MUTATIONS
inline Mutation active_mutation = Mutation::none;
inline bool mutated(Mutation mutation) noexcept {
    return active_mutation == mutation;
}
#else
constexpr bool mutated(Mutation) noexcept {
    return false;
}
#endif

}  // namespace dawk
