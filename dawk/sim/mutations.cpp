#include "dawk/sim/mutations.hpp"

#include <algorithm>

namespace dawk::sim {

std::vector<KnownMutation> const& known_mutations() {
    static std::vector<KnownMutation> const all = {
        {Mutation::acknowledge_before_sync, "acknowledge_before_sync",
         "the 250 is sent before the commit", "", 3},
        {Mutation::forget_folder_sync, "forget_folder_sync",
         "the folder of a mailbox is not synced", "", 5},
        {Mutation::drop_second_recipient, "drop_second_recipient",
         "of a batch only the first recipient is sent, all are recorded", "", 10},
        {Mutation::ignore_backoff, "ignore_backoff",
         "a host that does not answer is tried by every message", "provider_down", 1},
        {Mutation::deliver_again, "deliver_again",
         "a 250 that was read is recorded as a lost connection", "", 5},
        {Mutation::report_without_sender, "report_without_sender",
         "a report is sent about mail without a sender", "", 100},
        {Mutation::tls_downgrade, "tls_downgrade",
         "after a failed handshake it goes on without TLS where TLS is required", "", 100},
        {Mutation::starve_destination, "starve_destination",
         "who waits for one of all connections is forgotten", "", 100},
        {Mutation::leak_connection_slot, "leak_connection_slot",
         "a carrier that ends keeps its place", "", 5},
        {Mutation::wrong_record_version, "wrong_record_version",
         "envelopes are written with a version nobody reads", "", 10},
        {Mutation::forget_failed_commit, "forget_failed_commit",
         "outcomes whose commit failed are taken for recorded", "", 60},
    };
    return all;
}

KnownMutation const* mutation_named(std::string_view name) {
    auto const found = std::ranges::find(known_mutations(), name, &KnownMutation::name);
    return found == known_mutations().end() ? nullptr : &*found;
}

void set_mutation(std::string_view name) {
    auto const* const found = mutation_named(name);
    active_mutation = found == nullptr ? Mutation::none : found->mutation;
}

std::uint64_t hunt(KnownMutation const& mutation, PlayResult& found) {
    set_mutation(mutation.name);
    PlayOptions options;
    options.scenario = mutation.scenario;
    std::uint64_t seed = 0;
    for (options.seed = 1; options.seed <= mutation.seeds_max && seed == 0; ++options.seed) {
        found = play(options);
        if (found.violation) seed = options.seed;
    }
    set_mutation("");
    return seed;
}

}  // namespace dawk::sim
