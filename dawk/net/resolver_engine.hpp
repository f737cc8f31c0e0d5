// ResolverEngine: libunbound and the thread that takes its answers. Internal to dawk/net.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <unbound.h>

#include "dawk/base/freed.hpp"
#include "dawk/net/fd.hpp"
#include "dawk/net/resolver.hpp"

namespace dawk::net {

using UnboundResult = std::unique_ptr<ub_result, Freed<ub_resolve_free>>;

class ResolverEngine {
  public:
    // Called once on the engine's thread, under its lock: only post from there. A null result comes
    // with the words of what went wrong.
    using Take = std::function<void(UnboundResult, std::string)>;

    explicit ResolverEngine(ResolverSettings settings);
    ~ResolverEngine();
    ResolverEngine(ResolverEngine const&) = delete;
    ResolverEngine& operator=(ResolverEngine const&) = delete;

    // owner: whom forget() later names.
    void ask(void const* owner, dns::Question const& question, Take take);
    // After it returns, no take of this owner is called.
    void forget(void const* owner);
    ResolverSettings const& settings() const noexcept { return settings_; }
    std::string const& trouble() const noexcept { return trouble_; }

  private:
    struct Asked {
        ResolverEngine* engine;
        void const* owner;
        Take take;  // empty once forgotten
    };
    static void answered(void* asked, int error, ub_result* result);
    void finish(Asked const& asked, UnboundResult result, std::string words);
    void configure();
    void set(char const* option, char const* value);
    void add_forwarder(std::string const& text);
    void add_trust_anchor();
    void watch();

    ResolverSettings settings_;
    std::string trouble_;
    std::unique_ptr<ub_ctx, Freed<ub_ctx_delete>> context_;
    std::mutex mutex_;
    std::map<Asked const*, std::unique_ptr<Asked>> asked_;  // by identity alone
    Fd stop_;
    std::thread thread_;
};

// The dns::Answer of what libunbound said.
dns::Answer to_answer(dns::Question const& question, ub_result const& result);

}  // namespace dawk::net
