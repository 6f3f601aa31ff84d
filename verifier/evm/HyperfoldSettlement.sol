// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IHyperfoldSettlement, IHyperfoldVerifier} from "IHyperfold.sol";

/// One contract for any number of hyperchains: their roots, their money, and the seals that move both.
/// IHyperfold.sol says what calls mean, README.md how each word of a record is checked. No proxy, no upgrade: what
/// changes is which verifiers and leaf keys count, and additions wait for DELAY.
contract HyperfoldSettlement is IHyperfoldSettlement {
    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
    uint256 private constant RECORD_WORDS = 34;
    uint256 private constant RECORD_BYTES = 34 * 32;
    uint256 private constant RECORDS_MOST = 64;
    uint256 private constant SLOTS_MOST = 4096;
    uint256 private constant DEPTH_MOST = 24;
    uint256 private constant MODES = 2;
    uint256 private constant IMPORT_WORDS = 16;

    // enum hf_record_word
    uint256 private constant VK_DIGEST = 0;
    uint256 private constant CHAIN_ID = 1;
    uint256 private constant BATCH_NUMBER = 2;
    uint256 private constant MODE = 3;
    uint256 private constant OLD_ROOT = 4;
    uint256 private constant NEW_ROOT = 5;
    uint256 private constant OUTBOX_ROOT = 6;
    uint256 private constant IMPORTS = 7;
    uint256 private constant DEPOSIT_START = 23;
    uint256 private constant DEPOSIT_COUNT = 24;
    uint256 private constant DATA = 25;
    uint256 private constant DATA_X = 26;
    uint256 private constant DATA_Y = 27;
    uint256 private constant TRANSFERS = 28;
    uint256 private constant WITHDRAWALS = 29;
    uint256 private constant TOTAL_IN = 30;
    uint256 private constant TOTAL_OUT = 31;
    uint256 private constant TOTAL_REFUSED = 32;
    uint256 private constant OPERATOR = 33;

    uint256 public constant UNIT = 1 gwei;
    uint64 public immutable DELAY;
    bool public immutable DEVELOPMENT;

    struct Verifier {
        address target; // 0: removed
        uint64 activeFrom;
    }

    address public owner;
    bool public paused;
    address private offeredTo;
    uint256[] private chainIds;
    Verifier[] private verifiers;
    mapping(uint256 chainId => Chain) internal chains;
    mapping(uint256 chainId => mapping(uint256 digest => LeafKey)) internal leafKeys;
    mapping(uint256 chainId => mapping(address => bool)) private settlers;
    mapping(uint256 chainId => mapping(uint64 count => bytes32)) public depositHash;
    mapping(uint256 chainId => mapping(uint64 batchNumber => uint256)) public outbox;
    mapping(address => uint256) public claimable;

    constructor(address owner_, uint64 delay, bool development) {
        if (owner_ == address(0)) revert BadArgument();
        owner = owner_;
        DELAY = delay;
        DEVELOPMENT = development;
        emit OwnershipTaken(owner_);
    }

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner();
        _;
    }

    // ---- views ----

    function chainCount() external view returns (uint256) {
        return chainIds.length;
    }

    function chainIdOf(uint256 index) public view returns (uint256) {
        return uint128(uint256(keccak256(abi.encode(block.chainid, address(this), index))));
    }

    function chain(uint256 chainId) external view returns (Chain memory) {
        return chains[chainId];
    }

    function leafKey(uint256 chainId, uint256 digest) external view returns (LeafKey memory) {
        return leafKeys[chainId][digest];
    }

    function isSettler(uint256 chainId, address who) external view returns (bool) {
        return settlers[chainId][who] || (who != address(0) && chains[chainId].operator == who);
    }

    function verifierCount() external view returns (uint256) {
        return verifiers.length;
    }

    function verifierAt(uint256 verifierId) external view returns (address, uint64) {
        if (verifierId >= verifiers.length) revert UnknownVerifier(verifierId);
        return (verifiers[verifierId].target, verifiers[verifierId].activeFrom);
    }

    // ---- registry ----

    function registerChain(
        address operator,
        uint8 mode,
        uint256 genesisRoot,
        uint256[] calldata leafDigests,
        LeafKey[] calldata keys
    ) external onlyOwner returns (uint256 chainId) {
        if (operator == address(0) || mode >= MODES || genesisRoot >= R || leafDigests.length != keys.length) {
            revert BadArgument();
        }
        uint256 index = chainIds.length;
        chainId = chainIdOf(index);
        Chain storage c = chains[chainId];
        if (c.operator != address(0)) revert AlreadyThere();
        chainIds.push(chainId);
        c.operator = operator;
        c.mode = mode;
        c.stateRoot = genesisRoot;
        emit ChainRegistered(chainId, index, operator, mode, genesisRoot);
        for (uint256 i = 0; i < keys.length; i++) _addLeafKey(chainId, leafDigests[i], keys[i], uint64(block.timestamp));
    }

    function addLeafKey(uint256 chainId, uint256 digest, LeafKey calldata key) external onlyOwner {
        if (chains[chainId].operator == address(0)) revert UnknownChain(chainId);
        _addLeafKey(chainId, digest, key, uint64(block.timestamp) + DELAY);
    }

    function _addLeafKey(uint256 chainId, uint256 digest, LeafKey calldata key, uint64 activeFrom) private {
        if (digest == 0 || digest >= R || key.slots == 0 || key.slots > SLOTS_MOST || key.depth == 0 || key.depth > DEPTH_MOST) {
            revert BadArgument();
        }
        if (leafKeys[chainId][digest].activeFrom != 0) revert AlreadyThere();
        leafKeys[chainId][digest] = LeafKey(activeFrom, key.slots, key.depth, key.outbox);
        emit LeafKeyAdded(chainId, digest, key.slots, key.depth, activeFrom);
    }

    function removeLeafKey(uint256 chainId, uint256 digest) external onlyOwner {
        if (leafKeys[chainId][digest].activeFrom == 0) revert BadArgument();
        delete leafKeys[chainId][digest];
        emit LeafKeyRemoved(chainId, digest);
    }

    function addVerifier(address verifier) external onlyOwner returns (uint256 verifierId) {
        if (verifier.code.length == 0) revert BadArgument();
        if (!DEVELOPMENT && IHyperfoldVerifier(verifier).isDevelopment()) revert DevelopmentVerifier();
        verifierId = verifiers.length;
        uint64 activeFrom = uint64(block.timestamp) + (verifierId == 0 ? 0 : DELAY);
        verifiers.push(Verifier(verifier, activeFrom));
        emit VerifierAdded(verifierId, verifier, IHyperfoldVerifier(verifier).verifyingKeyDigest(), activeFrom);
    }

    function removeVerifier(uint256 verifierId) external onlyOwner {
        if (verifierId >= verifiers.length || verifiers[verifierId].target == address(0)) revert UnknownVerifier(verifierId);
        delete verifiers[verifierId];
        emit VerifierRemoved(verifierId);
    }

    function setPaused(bool value) external onlyOwner {
        paused = value;
        emit PauseChanged(value);
    }

    function offerOwnership(address to) external onlyOwner {
        offeredTo = to;
        emit OwnershipOffered(to);
    }

    function takeOwnership() external {
        if (msg.sender != offeredTo) revert NotOwner();
        offeredTo = address(0);
        owner = msg.sender;
        emit OwnershipTaken(msg.sender);
    }

    function setSettler(uint256 chainId, address settler, bool allowed) external {
        if (chains[chainId].operator != msg.sender) revert NotOperator();
        settlers[chainId][settler] = allowed;
        emit SettlerChanged(chainId, settler, allowed);
    }

    function setOperator(uint256 chainId, address operator) external {
        if (chains[chainId].operator != msg.sender) revert NotOperator();
        if (operator == address(0)) revert BadArgument();
        chains[chainId].operator = operator;
        emit OperatorChanged(chainId, operator);
    }

    // ---- money ----

    function deposit(uint256 chainId, uint256 keyX, uint256 keyY) external payable returns (uint64 index) {
        if (paused) revert IsPaused();
        Chain storage c = chains[chainId];
        if (c.operator == address(0)) revert UnknownChain(chainId);
        if (keyX == 0 || keyX >= R || keyY >= R) revert BadKey();
        uint256 amount = msg.value / UNIT;
        if (amount * UNIT != msg.value || amount == 0 || amount > type(uint64).max) revert NotWholeUnits();
        index = c.depositsQueued;
        c.depositsQueued = index + 1;
        depositHash[chainId][index + 1] = keccak256(abi.encode(depositHash[chainId][index], keyX, keyY, amount, msg.sender));
        emit Deposited(chainId, index, msg.sender, keyX, keyY, uint64(amount));
    }

    function claim(address payable to) external returns (uint256 amountWei) {
        amountWei = claimable[msg.sender];
        if (amountWei == 0) revert NothingToClaim();
        claimable[msg.sender] = 0;
        emit Claimed(msg.sender, to, amountWei);
        (bool done,) = to.call{value: amountWei}("");
        if (!done) revert TransferFailed();
    }

    // ---- settlement ----

    function settle(
        uint256 verifierId,
        uint256[] calldata words,
        bytes[] calldata data,
        uint256[12] calldata inputs,
        uint256[59] calldata proof
    ) external {
        if (paused) revert IsPaused();
        uint256 m = data.length;
        if (m == 0 || m > RECORDS_MOST || words.length != m * RECORD_WORDS) revert WrongLength();
        if (inputs[1] != m) revert WrongRecordCount();
        _checkTypes(words);
        _checkFingerprint(words, inputs);
        uint256 record;
        assembly ("memory-safe") {
            record := words.offset
        }
        for (uint256 i = 0; i < m; i++) {
            _settleRecord(i, record, data[i]);
            record += RECORD_BYTES;
        }
        IHyperfoldVerifier(_activeVerifier(verifierId)).verify(inputs, proof);
        emit Sealed(inputs[0], m, msg.sender);
    }

    function _activeVerifier(uint256 verifierId) private view returns (address) {
        if (verifierId >= verifiers.length) revert UnknownVerifier(verifierId);
        Verifier memory v = verifiers[verifierId];
        if (v.target == address(0)) revert UnknownVerifier(verifierId);
        if (block.timestamp < v.activeFrom) revert NotActiveYet(v.activeFrom);
        return v.target;
    }

    /// Every word against its type (hf_record_words in rollup.h), and no imports: messages between chains are not
    /// there yet. All words are looked at together; which one it was is only asked when one is wrong.
    function _checkTypes(uint256[] calldata words) private pure {
        uint256 bad;
        assembly ("memory-safe") {
            let end := add(words.offset, shl(5, words.length))
            for { let p := words.offset } lt(p, end) { p := add(p, RECORD_BYTES) } {
                let fields := and(lt(calldataload(p), R), lt(calldataload(add(p, 0x80)), R)) // vk_digest, old_root
                fields := and(fields, and(lt(calldataload(add(p, 0xa0)), R), lt(calldataload(add(p, 0xc0)), R))) // new_root, outbox_root
                fields := and(fields, and(lt(calldataload(add(p, 0x320)), R), lt(calldataload(add(p, 0x340)), R))) // data, data_x
                bad := or(bad, iszero(and(fields, lt(calldataload(add(p, 0x360)), R)))) // data_y
                let wide := or(calldataload(add(p, 0x20)), calldataload(add(p, 0x3c0))) // chain_id, total_in
                wide := or(wide, or(calldataload(add(p, 0x3e0)), calldataload(add(p, 0x400)))) // total_out, total_refused
                bad := or(bad, shr(128, wide))
                bad := or(bad, shr(64, or(calldataload(add(p, 0x40)), calldataload(add(p, 0x2e0))))) // batch_number, deposit_start
                let counts := or(calldataload(add(p, 0x300)), calldataload(add(p, 0x380))) // deposit_count, transfers
                bad := or(bad, shr(32, or(counts, calldataload(add(p, 0x3a0))))) // withdrawals
                bad := or(bad, shr(1, calldataload(add(p, 0x60)))) // mode
                bad := or(bad, shr(23, calldataload(add(p, 0x420)))) // operator; less deep trees: _settleRecord
                let q := add(p, 0xe0) // imports: words 7 .. 22
                let any := or(or(calldataload(q), calldataload(add(q, 0x20))), or(calldataload(add(q, 0x40)), calldataload(add(q, 0x60))))
                any := or(any, or(or(calldataload(add(q, 0x80)), calldataload(add(q, 0xa0))), or(calldataload(add(q, 0xc0)), calldataload(add(q, 0xe0)))))
                any := or(any, or(or(calldataload(add(q, 0x100)), calldataload(add(q, 0x120))), or(calldataload(add(q, 0x140)), calldataload(add(q, 0x160)))))
                any := or(any, or(or(calldataload(add(q, 0x180)), calldataload(add(q, 0x1a0))), or(calldataload(add(q, 0x1c0)), calldataload(add(q, 0x1e0)))))
                bad := or(bad, any)
            }
        }
        if (bad != 0) _refuseWords(words);
    }

    /// Some word is wrong: reverts with the first.
    function _refuseWords(uint256[] calldata words) private pure {
        uint256 imports = words.length;
        for (uint256 k = 0; k < words.length; k++) {
            uint256 index = k % RECORD_WORDS;
            if (words[k] >= _wordLimit(index)) revert WordOutOfRange(k / RECORD_WORDS, index);
            if (imports == words.length && index >= IMPORTS && index < IMPORTS + IMPORT_WORDS && words[k] != 0) imports = k;
        }
        revert ImportsNotEmpty(imports / RECORD_WORDS);
    }

    function _wordLimit(uint256 index) private pure returns (uint256) {
        if (index >= IMPORTS && index < IMPORTS + IMPORT_WORDS) {
            uint256 part = (index - IMPORTS) % 4; // source chain, batch number, root, class
            return part == 0 ? 1 << 128 : part == 1 ? 1 << 64 : part == 2 ? R : 1 << 8;
        }
        if (index == CHAIN_ID || (index >= TOTAL_IN && index <= TOTAL_REFUSED)) return 1 << 128;
        if (index == BATCH_NUMBER || index == DEPOSIT_START) return 1 << 64;
        if (index == DEPOSIT_COUNT || index == TRANSFERS || index == WITHDRAWALS) return 1 << 32;
        if (index == MODE) return MODES;
        if (index == OPERATOR) return 1 << (DEPTH_MOST - 1);
        return R;
    }

    /// x and y of the seal (verifier/statement.h). Import words are known to be zero by now and only multiply y.
    function _checkFingerprint(uint256[] calldata words, uint256[12] calldata inputs) private pure {
        uint256 x;
        uint256 y;
        assembly ("memory-safe") {
            let free := mload(0x40)
            let length := shl(5, words.length)
            mstore(free, "hyperfold.seal.v1")
            mstore(add(free, 17), calldataload(inputs))
            mstore(add(free, 49), calldataload(add(inputs, 0x20)))
            calldatacopy(add(free, 81), words.offset, length)
            x := mod(keccak256(free, add(81, length)), R)
            let x16 := mulmod(x, x, R)
            x16 := mulmod(x16, x16, R)
            x16 := mulmod(x16, x16, R)
            x16 := mulmod(x16, x16, R)
            for { let p := add(words.offset, length) } gt(p, words.offset) {} {
                p := sub(p, RECORD_BYTES)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x420)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x400)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x3e0)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x3c0)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x3a0)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x380)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x360)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x340)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x320)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x300)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x2e0)), R)
                y := mulmod(y, x16, R) // words 7 .. 22
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0xc0)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0xa0)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x80)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x60)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x40)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x20)), R)
                y := addmod(mulmod(y, x, R), calldataload(p), R)
            }
        }
        if (inputs[2] != x) revert FingerprintX();
        if (inputs[3] != y) revert FingerprintY();
    }

    function _word(uint256 record, uint256 index) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := calldataload(add(record, shl(5, index)))
        }
    }

    /// The record at this calldata offset against the state of its chain, and what follows from it.
    function _settleRecord(uint256 i, uint256 record, bytes calldata data) private {
        uint256 chainId = _word(record, CHAIN_ID);
        Chain storage c = chains[chainId];
        Chain memory was = c;
        if (was.operator == address(0)) revert UnknownChain(chainId);
        if (was.operator != msg.sender && !settlers[chainId][msg.sender]) revert NotSettler(chainId);
        LeafKey memory key = leafKeys[chainId][_word(record, VK_DIGEST)];
        if (key.activeFrom == 0) revert UnknownLeafKey(i, _word(record, VK_DIGEST));
        if (block.timestamp < key.activeFrom) revert NotActiveYet(key.activeFrom);
        if (_word(record, MODE) != was.mode) revert WrongMode(i);
        unchecked {
            was.batchNumber++;
        }
        if (_word(record, BATCH_NUMBER) != was.batchNumber) {
            revert WrongBatchNumber(i, was.batchNumber - 1, _word(record, BATCH_NUMBER));
        }
        if (_word(record, OLD_ROOT) != was.stateRoot) revert WrongOldRoot(i);
        if (_word(record, DEPOSIT_START) != was.depositsConsumed) {
            revert WrongDepositStart(i, was.depositsConsumed, _word(record, DEPOSIT_START));
        }
        if (_word(record, DEPOSIT_COUNT) > was.depositsQueued - was.depositsConsumed) revert DepositsNotQueued(i);
        if (_word(record, TRANSFERS) > key.slots) revert CountsDiffer(i);
        if (_word(record, OPERATOR) >> (key.depth - 1) != 0) revert WordOutOfRange(i, OPERATOR);

        Tally memory t = _readData(i, record, data, key.slots);
        if (t.deposits != _word(record, DEPOSIT_COUNT) || t.withdrawals != _word(record, WITHDRAWALS)) revert CountsDiffer(i);
        if (t.totalIn != _word(record, TOTAL_IN) || t.totalOut != _word(record, TOTAL_OUT) || t.totalRefused != _word(record, TOTAL_REFUSED)) {
            revert TotalsDiffer(i);
        }
        unchecked {
            // the totals are sums of at most 4,096 numbers of 64 bits
            was.depositsConsumed += uint64(t.deposits);
            uint256 held = uint256(was.escrow) + t.totalIn;
            uint256 leaving = t.totalOut + t.totalRefused;
            if (leaving > held) revert EscrowTooLow(i);
            was.escrow = uint128(held - leaving);
        }
        if (t.deposits != 0 && t.hash != depositHash[chainId][was.depositsConsumed]) revert DepositsDiffer(i);
        was.stateRoot = _word(record, NEW_ROOT);
        c.stateRoot = was.stateRoot;
        c.batchNumber = was.batchNumber;
        c.depositsConsumed = was.depositsConsumed;
        c.escrow = was.escrow;
        if (key.outbox) outbox[chainId][was.batchNumber] = _word(record, OUTBOX_ROOT);
        emit BatchSettled(chainId, was.batchNumber, was.stateRoot);
    }

    // ---- posted data ----

    /// What the rows of a batch add up to.
    struct Tally {
        uint256 deposits;
        uint256 withdrawals;
        uint256 totalIn;
        uint256 totalOut;
        uint256 totalRefused;
        bytes32 hash; // of the queue of deposits after these
    }

    /// Rows to words in memory, behind tag and D: x_d is their hash, y_d their polynomial at x_d. The claimed x_d
    /// serves while reading and is compared at the end.
    function _readData(uint256 i, uint256 record, bytes calldata data, uint256 slots) private returns (Tally memory t) {
        uint256 chainId = _word(record, CHAIN_ID);
        uint256 x = _word(record, DATA_X);
        uint256 y;
        uint256 buffer;
        assembly ("memory-safe") {
            buffer := mload(0x40)
            mstore(buffer, "hyperfold.data.v1")
            mstore(add(buffer, 17), calldataload(add(record, 0x320))) // word 25, D
            calldatacopy(add(buffer, 49), calldatasize(), mul(slots, 96)) // zeros
            mstore(0x40, and(add(add(buffer, mul(slots, 96)), 80), not(31))) // taken while rows are read
        }
        t.hash = depositHash[chainId][uint64(_word(record, DEPOSIT_START))];
        uint256 p;
        uint256 end;
        assembly ("memory-safe") {
            p := data.offset
            end := add(p, data.length)
        }
        uint256 power = 1; // x^(3 k) at slot k
        uint256 x3 = mulmod(mulmod(x, x, R), x, R);
        uint256 row = buffer + 49;
        for (uint256 k = 0; k < slots; k++) {
            uint256 head;
            assembly ("memory-safe") {
                head := calldataload(p)
            }
            uint256 kind = head >> 248;
            if (kind == 0) {
                p += 1;
            } else {
                uint256 size = kind == 1 ? 23 : kind == 2 ? 43 : 107;
                if (kind > 4 || p + size > end) revert DataMalformed(i);
                y = addmod(y, mulmod(power, _readRow(chainId, p, head, row, x, t), R), R);
                p += size;
            }
            power = mulmod(power, x3, R);
            row += 96;
        }
        if (p != end) revert DataMalformed(i);
        uint256 hash;
        assembly ("memory-safe") {
            hash := mod(keccak256(buffer, add(49, mul(slots, 96))), R)
            mstore(0x40, buffer) // free again: the next record uses the same memory
        }
        if (hash != x || y != _word(record, DATA_Y)) revert DataFingerprint(i);
    }

    /// One row that is not empty: its three words to memory, its effects, and word 0 + x word 1 + x^2 word 2.
    function _readRow(uint256 chainId, uint256 p, uint256 head, uint256 row, uint256 x, Tally memory t)
        private
        returns (uint256 value)
    {
        uint256 kind = head >> 248;
        uint256 fields = (head << 8) >> 80; // fee amount to from
        uint64 amount = uint64(fields >> 48);
        value = (fields << 8) | kind;
        if (kind == 1) {
            assembly ("memory-safe") {
                mstore(row, value)
            }
        } else if (kind == 2) {
            uint256 account;
            assembly ("memory-safe") {
                account := shr(96, calldataload(add(p, 23)))
                mstore(row, value)
                mstore(add(row, 32), account)
            }
            value = addmod(value, mulmod(account, x, R), R);
            unchecked {
                t.withdrawals++;
                t.totalOut += amount;
            }
            _credit(chainId, address(uint160(account)), amount, false);
        } else {
            uint256 keyX;
            uint256 keyY;
            address maker;
            assembly ("memory-safe") {
                keyX := calldataload(add(p, 23))
                keyY := calldataload(add(p, 55))
                maker := shr(96, calldataload(add(p, 87)))
                // the keys are canonical: only such keys are in the queue, which the hash below is compared with
                value := or(value, or(shl(184, shr(248, keyX)), shl(190, shr(248, keyY))))
                let low := sub(shl(248, 1), 1)
                mstore(row, value)
                mstore(add(row, 32), and(keyX, low))
                mstore(add(row, 64), and(keyY, low))
                value := addmod(value, mulmod(x, addmod(and(keyX, low), mulmod(x, and(keyY, low), R), R), R), R)
            }
            bytes32 hash = t.hash;
            assembly ("memory-safe") {
                let free := mload(0x40)
                mstore(free, hash)
                mstore(add(free, 32), keyX)
                mstore(add(free, 64), keyY)
                mstore(add(free, 96), amount)
                mstore(add(free, 128), maker)
                hash := keccak256(free, 160)
            }
            t.hash = hash;
            unchecked {
                t.deposits++;
                t.totalIn += amount;
            }
            if (kind == 4) {
                unchecked {
                    t.totalRefused += amount;
                }
                _credit(chainId, maker, amount, true);
            }
        }
    }

    function _credit(uint256 chainId, address account, uint64 amount, bool refusedDeposit) private {
        unchecked {
            claimable[account] += uint256(amount) * UNIT;
        }
        emit Credited(chainId, account, amount, refusedDeposit);
    }
}
