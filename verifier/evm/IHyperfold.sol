// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

// The external surface of hyperfold on Ethereum: the verifier of seals and the settlement contract.
// What these bytes mean off chain: proto/include/hyperfold/rollup.h (records, posted data), verifier/statement.h
// (the fingerprint), verifier/layout.h and prover/PROTOCOL.md (the proof).
//
// All numbers are big-endian 32-byte words, as the ABI has them; r is the order of BN254's G1, q its base field's.

/// The words of a proof that is made with kappa = 8, in this order, each 32 bytes:
///     0 ..  1  the commitment of the witness a b c d e m             (x, y)
///     2 ..  3  the commitment of the sums z range rom rho            (x, y)
///     4 ..  5  the commitment of the quotient's chunks t0 .. t4      (x, y)
///     6 .. 44  39 evaluations at zeta: witness 6, sums 4, quotient 5, fixed columns 24
///    45 .. 54  10 evaluations at zeta omega: witness 6, sums 4
///    55 .. 56  W (x, y)
///    57 .. 58  W' (x, y)
/// This is the payload of a "PROF" container without kappa, digest and public inputs, turned to big-endian.
/// hf_evm_proof_words (verifier/evm/evm.h) makes it.
interface IHyperfoldVerifier {
    error WrongLength();             // the calldata is not exactly 4 + 32 * (12 + 59) bytes
    error InputNotCanonical();       // a public input is not below r
    error EvaluationNotCanonical();  // an evaluation is not below r
    error AccumulatorNotCanonical(); // a half of a coordinate is 2^128 or more, or a coordinate is not below q
    error PointNotCanonical();       // a coordinate of the proof is not below q
    error PointAtInfinity();         // this and the next: of the proof or of the accumulator
    error PointNotOnCurve();
    error IdentityFailed();          // the constraints do not hold at zeta
    error PrecompileFailed();        // out of gas in a precompiled contract, or there is none
    error PairingFailed();           // the opening or the accumulator does not hold

    /// Returns nothing: a proof that does not convince reverts. Public inputs (enum hf_seal_word): statement,
    /// number of records m, x, y, then the accumulator: L.x mod 2^128, L.x >> 128, L.y .., R.x .., R.y ..
    function verify(uint256[12] calldata inputs, uint256[59] calldata proof) external view;

    /// Digest of the seal's verifying key, as `hyperfold circuit key` prints it, as a number.
    function verifyingKeyDigest() external pure returns (uint256);
    /// True when the setup's secret is public: such a verifier proves nothing to anybody.
    function isDevelopment() external pure returns (bool);
}

/// SETTLE. `words` is m records (m from 1 to 64) without a gap, in the order of the seal's tree. A record is sent as 18
/// words: 0 .. 6 and 23 .. 33 of enum hf_record_word. Words 7 .. 22, the imports, are zero as long as there are no
/// messages between chains; fingerprints count them.
///
/// `data` is the posted rows of all records in their order, back to back: one row for every slot of a batch (their
/// number belongs to the leaf key). A row begins with its type:
///     00                                                       1 byte: posted as three zero words: a no-op; in
///                                                              validium mode also every transfer
///     01 fee[8] amount[8] to[3] from[3]                        23 bytes: transfer (rollup mode only)
///     02 fee[8] amount[8] to[3] from[3] address[20]            43 bytes: withdrawal to that address on L1
///     03 fee[8] amount[8] to[3] from[3] x[32] y[32] owner[20]  107 bytes: deposit to the key (x, y)
///     04 (as 03)                                               107 bytes: deposit that was refused
/// numbers big-endian; fee .. from, read as one number and followed by the type, is word 0 of the slot (rollup.h)
/// without the top bits of the key. `owner` is the address that made the deposit (event Deposited); it is not
/// part of the posted words but of the queue. hf_evm_data_encode (verifier/evm/evm.h) makes the rows of a record.
///
/// Amounts in records, rows and events are in units of UNIT wei (one gwei).
///
/// constructor(address owner, uint64 delay, bool development): delay in seconds, for DELAY; development: whether
/// verifiers of development setups may be added.
interface IHyperfoldSettlement {
    /// registry
    event ChainRegistered(uint256 indexed chainId, uint256 index, address operator, uint8 mode, uint256 genesisRoot);
    event OperatorChanged(uint256 indexed chainId, address operator);
    event SettlerChanged(uint256 indexed chainId, address settler, bool allowed);
    event LeafKeyAdded(uint256 indexed chainId, uint256 digest, uint32 slots, uint8 depth, uint64 activeFrom);
    event LeafKeyRemoved(uint256 indexed chainId, uint256 digest);
    event VerifierAdded(uint256 indexed verifierId, address verifier, uint256 digest, uint64 activeFrom);
    event VerifierRemoved(uint256 indexed verifierId);
    event OwnershipOffered(address indexed to);
    event OwnershipTaken(address indexed owner);
    event PauseChanged(bool paused);
    /// money and batches
    event Deposited(uint256 indexed chainId, uint64 indexed index, address indexed owner, uint256 keyX, uint256 keyY,
                    uint64 amount);
    /// The chain's batches up to this one are settled; once a chain and seal.
    event BatchSettled(uint256 indexed chainId, uint64 indexed batchNumber, uint256 newRoot);
    event Sealed(uint256 indexed statement, uint256 records, address settler);
    /// An amount became claimable by `account`: a withdrawal, or a deposit that was refused.
    event Credited(uint256 indexed chainId, address indexed account, uint64 amount, bool refusedDeposit);
    event Claimed(address indexed account, address to, uint256 amountWei);

    /// who may, and when
    error NotOwner();
    error NotOperator();
    error NotSettler(uint256 chainId);        // the sender is neither the chain's operator nor named by them
    error IsPaused();
    error UnknownChain(uint256 chainId);
    error UnknownVerifier(uint256 verifierId);
    error NotActiveYet(uint64 activeFrom);    // verifier or leaf key: its delay is not over
    error UnknownLeafKey(uint256 record, uint256 digest);
    error DevelopmentVerifier();              // its setup's secret is public, and this contract takes none of those
    error AlreadyThere();
    error BadArgument();
    /// a record; `record` counts from 0. Looked at in this order: the words' types, the seal's fingerprint, then each
    /// record with its data against its chain, then the proof.
    error WrongLength();                      // calldata: not 18 m words, m not 1 .. 64
    error WordOutOfRange(uint256 record, uint256 word); // against its type; `word` from 0 to 33
    error WrongMode(uint256 record);
    error WrongBatchNumber(uint256 record, uint256 stored, uint256 given); // given must be stored + 1
    error WrongOldRoot(uint256 record);
    error WrongDepositStart(uint256 record, uint256 stored, uint256 given);
    error DepositsNotQueued(uint256 record);  // more deposits than were made
    error DepositsDiffer(uint256 record);     // the rows of deposits are not those of the queue
    error DataMalformed(uint256 record);      // a row of no known type, a cut one, more or less data than rows
    error CountsDiffer(uint256 record);       // rows of deposits or withdrawals against the record's counts
    error TotalsDiffer(uint256 record);       // sums of amounts against the record's totals
    error DataFingerprint(uint256 record);    // x_d or y_d are not those of the posted data
    error EscrowTooLow(uint256 record);       // more would leave the chain than it holds
    /// the seal
    error WrongRecordCount();                 // public input m
    error FingerprintX();                     // public input x is not that of statement and words
    error FingerprintY();                     // public input y likewise: other words than those proven
    // a proof that does not convince reverts with the verifier's own error (IHyperfoldVerifier)
    /// money
    error NotWholeUnits();                    // ether that is not 1 .. 2^64 - 1 units
    error BadKey();                           // a key with x = 0, or not canonical
    error NothingToClaim();
    error TransferFailed();

    struct LeafKey {
        uint64 activeFrom; // time of L1; 0: not allowed
        uint32 slots;      // of a batch
        uint8 depth;       // of the state tree
        bool outbox;       // batches may send messages: their outbox roots are stored
    }

    struct Chain {
        uint256 stateRoot;
        uint64 batchNumber;      // of the last settled batch; 0 before the first
        uint64 depositsConsumed; // how many of the queue are settled
        uint128 escrow;          // units that the chain holds; deposits not settled are not in it
        address operator;        // 0: no such chain
        uint8 mode;              // 0 rollup, 1 validium
        uint64 depositsQueued;
    }

    /// UNIT wei is amount 1 in a record.
    function UNIT() external view returns (uint256);
    /// Seconds until a later verifier or leaf key counts.
    function DELAY() external view returns (uint64);
    /// Whether verifiers of development setups are taken.
    function DEVELOPMENT() external view returns (bool);
    function owner() external view returns (address);
    function paused() external view returns (bool);
    function chainCount() external view returns (uint256);
    /// keccak256(abi.encode(block.chainid, address(this), index)) mod 2^128
    function chainIdOf(uint256 index) external view returns (uint256);
    function chain(uint256 chainId) external view returns (Chain memory);
    function leafKey(uint256 chainId, uint256 digest) external view returns (LeafKey memory);
    function isSettler(uint256 chainId, address who) external view returns (bool);
    function verifierCount() external view returns (uint256);
    function verifierAt(uint256 verifierId) external view returns (address verifier, uint64 activeFrom);
    /// The rolling hash of a chain's first `count` deposits: h(0) = 0,
    /// h(i + 1) = keccak256(abi.encode(h(i), keyX, keyY, uint256(amount), owner)), five words.
    function depositHash(uint256 chainId, uint64 count) external view returns (bytes32);
    /// Outbox root of a settled batch, for leaf keys whose batches send messages; 0 otherwise.
    function outbox(uint256 chainId, uint64 batchNumber) external view returns (uint256);
    /// Wei that `account` can claim.
    function claimable(address account) external view returns (uint256);

    /// Queues msg.value / UNIT for the BabyJubJub key on the chain; gives the deposit's index in its queue.
    function deposit(uint256 chainId, uint256 keyX, uint256 keyY) external payable returns (uint64 index);
    /// Applies the m batches of one seal, all or none. See above for the encoding.
    function settle(
        uint256 verifierId,
        uint256[] calldata words,
        bytes calldata data,
        uint256[12] calldata inputs,
        uint256[59] calldata proof
    ) external;
    /// Pays all that the sender can claim to `to`. Works when paused.
    function claim(address payable to) external returns (uint256 amountWei);
    /// Pays all that `account` can claim to the account itself; anybody may call it. For contracts that cannot call claim.
    function claimFor(address payable account) external returns (uint256 amountWei);

    /// owner
    function registerChain(address operator, uint8 mode, uint256 genesisRoot, uint256[] calldata leafDigests,
                           LeafKey[] calldata leafKeys) external returns (uint256 chainId); // activeFrom is ignored
    function addLeafKey(uint256 chainId, uint256 digest, LeafKey calldata key) external; // after DELAY
    function removeLeafKey(uint256 chainId, uint256 digest) external;                    // at once
    function addVerifier(address verifier) external returns (uint256 verifierId);        // the first at once, others after DELAY
    function removeVerifier(uint256 verifierId) external;                                // at once
    function setPaused(bool value) external; // stops deposit and settle
    function offerOwnership(address to) external;
    function takeOwnership() external;

    /// the chain's operator; those whom one names as settlers are not another's
    function setSettler(uint256 chainId, address settler, bool allowed) external;
    function setOperator(uint256 chainId, address operator) external;
}
