// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IHyperfoldSettlement, IHyperfoldVerifier} from "IHyperfold.sol";

/// One contract for any number of hyperchains: their roots, their money, and the seals that move both.
/// IHyperfold.sol says what calls mean, README.md how each word of a record is checked. No proxy, no upgrade: what
/// changes is which verifiers and leaf keys count, and additions wait for DELAY.
contract HyperfoldSettlement is IHyperfoldSettlement {
    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
    uint256 private constant RECORD_WORDS = 18; // in calldata: 34 without the 16 of the imports
    uint256 private constant RECORD_BYTES = 18 * 32;
    uint256 private constant RECORDS_MOST = 64;
    uint256 private constant SLOTS_MOST = 600; // a batch whose slots all credit fresh addresses still fits 2^24 gas (EIP-7825)
    uint256 private constant DEPTH_MOST = 24;
    uint256 private constant MODES = 2;

    // Places in calldata: enum hf_record_word, the later ones less IMPORT_WORDS.
    uint256 private constant IMPORTS = 7;
    uint256 private constant IMPORT_WORDS = 16;
    uint256 private constant VK_DIGEST = 0;
    uint256 private constant CHAIN_ID = 1;
    uint256 private constant BATCH_NUMBER = 2;
    uint256 private constant MODE = 3;
    uint256 private constant OLD_ROOT = 4;
    uint256 private constant NEW_ROOT = 5;
    uint256 private constant OUTBOX_ROOT = 6;
    uint256 private constant DEPOSIT_START = 7;
    uint256 private constant DEPOSIT_COUNT = 8;
    uint256 private constant DATA = 9;
    uint256 private constant DATA_X = 10;
    uint256 private constant DATA_Y = 11;
    uint256 private constant TRANSFERS = 12;
    uint256 private constant WITHDRAWALS = 13;
    uint256 private constant TOTAL_IN = 14;
    uint256 private constant TOTAL_OUT = 15;
    uint256 private constant TOTAL_REFUSED = 16;
    uint256 private constant OPERATOR = 17;

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
    // by the operator who named them: another operator starts with none
    mapping(uint256 chainId => mapping(address operator => mapping(address => bool))) private settlers;
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
        address operator = chains[chainId].operator;
        return settlers[chainId][operator][who] || (who != address(0) && operator == who);
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
        settlers[chainId][msg.sender][settler] = allowed;
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
        return _claim(msg.sender, to);
    }

    function claimFor(address payable account) external returns (uint256 amountWei) {
        return _claim(account, account);
    }

    function _claim(address account, address payable to) private returns (uint256 amountWei) {
        amountWei = claimable[account];
        if (amountWei == 0) revert NothingToClaim();
        claimable[account] = 0;
        emit Claimed(account, to, amountWei);
        (bool done,) = to.call{value: amountWei}("");
        if (!done) revert TransferFailed();
    }

    // ---- settlement ----

    function settle(
        uint256 verifierId,
        uint256[] calldata words,
        bytes calldata data,
        uint256[12] calldata inputs,
        uint256[59] calldata proof
    ) external {
        if (paused) revert IsPaused();
        uint256 m = words.length / RECORD_WORDS;
        if (m == 0 || m > RECORDS_MOST || words.length != m * RECORD_WORDS) revert WrongLength();
        if (inputs[1] != m) revert WrongRecordCount();
        _checkTypes(words);
        _checkFingerprint(words, inputs);
        uint256 record;
        Cursor memory cursor;
        assembly ("memory-safe") {
            record := words.offset
            mstore(cursor, data.offset)
            mstore(add(cursor, 32), add(data.offset, data.length))
        }
        for (uint256 i = 0; i < m;) {
            _settleRecord(i, record, cursor);
            unchecked {
                record += RECORD_BYTES;
                i++;
            }
        }
        if (cursor.position != cursor.end) revert DataMalformed(m - 1);
        IHyperfoldVerifier(_activeVerifier(verifierId)).verify(inputs, proof);
        _announce(words);
        emit Sealed(inputs[0], m, msg.sender);
    }

    /// One event a chain, at the last of its records.
    function _announce(uint256[] calldata words) private {
        for (uint256 k = 0; k < words.length;) {
            Chain storage c = chains[words[k + CHAIN_ID]];
            if (c.batchNumber == words[k + BATCH_NUMBER]) {
                emit BatchSettled(words[k + CHAIN_ID], uint64(words[k + BATCH_NUMBER]), words[k + NEW_ROOT]);
            }
            unchecked {
                k += RECORD_WORDS;
            }
        }
    }

    function _activeVerifier(uint256 verifierId) private view returns (address) {
        if (verifierId >= verifiers.length) revert UnknownVerifier(verifierId);
        Verifier memory v = verifiers[verifierId];
        if (v.target == address(0)) revert UnknownVerifier(verifierId);
        if (block.timestamp < v.activeFrom) revert NotActiveYet(v.activeFrom);
        return v.target;
    }

    /// Every word against its type (hf_record_words in rollup.h). All words are looked at together; which one it was is
    /// only asked when one is wrong.
    function _checkTypes(uint256[] calldata words) private pure {
        uint256 bad;
        assembly ("memory-safe") {
            let end := add(words.offset, shl(5, words.length))
            for { let p := words.offset } lt(p, end) { p := add(p, RECORD_BYTES) } {
                let fields := and(lt(calldataload(p), R), lt(calldataload(add(p, 0x80)), R)) // vk_digest, old_root
                fields := and(fields, and(lt(calldataload(add(p, 0xa0)), R), lt(calldataload(add(p, 0xc0)), R))) // new_root, outbox_root
                fields := and(fields, and(lt(calldataload(add(p, 0x120)), R), lt(calldataload(add(p, 0x140)), R))) // data, data_x
                bad := or(bad, iszero(and(fields, lt(calldataload(add(p, 0x160)), R)))) // data_y
                let wide := or(calldataload(add(p, 0x20)), calldataload(add(p, 0x1c0))) // chain_id, total_in
                wide := or(wide, or(calldataload(add(p, 0x1e0)), calldataload(add(p, 0x200)))) // total_out, total_refused
                bad := or(bad, shr(128, wide))
                bad := or(bad, shr(64, or(calldataload(add(p, 0x40)), calldataload(add(p, 0xe0))))) // batch_number, deposit_start
                let counts := or(calldataload(add(p, 0x100)), calldataload(add(p, 0x180))) // deposit_count, transfers
                bad := or(bad, shr(32, or(counts, calldataload(add(p, 0x1a0))))) // withdrawals
                bad := or(bad, shr(1, calldataload(add(p, 0x60)))) // mode
                bad := or(bad, shr(23, calldataload(add(p, 0x220)))) // operator; less deep trees: _checkLeafKey
            }
        }
        if (bad != 0) _refuseWords(words);
    }

    /// Some word is wrong: reverts with the first.
    function _refuseWords(uint256[] calldata words) private pure {
        for (uint256 k = 0; k < words.length; k++) {
            uint256 place = k % RECORD_WORDS;
            if (words[k] >= _wordLimit(place)) revert WordOutOfRange(k / RECORD_WORDS, place < IMPORTS ? place : place + IMPORT_WORDS);
        }
        revert BadArgument(); // not reached while both tables of limits agree
    }

    function _wordLimit(uint256 place) private pure returns (uint256) {
        if (place == CHAIN_ID || (place >= TOTAL_IN && place <= TOTAL_REFUSED)) return 1 << 128;
        if (place == BATCH_NUMBER || place == DEPOSIT_START) return 1 << 64;
        if (place == DEPOSIT_COUNT || place == TRANSFERS || place == WITHDRAWALS) return 1 << 32;
        if (place == MODE) return MODES;
        if (place == OPERATOR) return 1 << (DEPTH_MOST - 1);
        return R;
    }

    /// x and y of the seal (verifier/statement.h), over all 34 words of the records: the imports are zero.
    function _checkFingerprint(uint256[] calldata words, uint256[12] calldata inputs) private pure {
        uint256 x;
        uint256 y;
        assembly ("memory-safe") {
            let free := mload(0x40)
            let end := add(words.offset, shl(5, words.length))
            mstore(free, "hyperfold.seal.v1")
            mstore(add(free, 17), calldataload(inputs))
            mstore(add(free, 49), calldataload(add(inputs, 0x20)))
            let to := add(free, 81)
            for { let p := words.offset } lt(p, end) { p := add(p, RECORD_BYTES) } {
                calldatacopy(to, p, 0xe0)
                calldatacopy(add(to, 0xe0), calldatasize(), 0x200) // zeros
                calldatacopy(add(to, 0x2e0), add(p, 0xe0), 0x160)
                to := add(to, 0x440)
            }
            x := mod(keccak256(free, sub(to, free)), R)
            let x16 := mulmod(x, x, R)
            x16 := mulmod(x16, x16, R)
            x16 := mulmod(x16, x16, R)
            x16 := mulmod(x16, x16, R)
            for { let p := end } gt(p, words.offset) {} {
                p := sub(p, RECORD_BYTES)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x220)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x200)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x1e0)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x1c0)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x1a0)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x180)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x160)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x140)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x120)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0x100)), R)
                y := addmod(mulmod(y, x, R), calldataload(add(p, 0xe0)), R)
                y := mulmod(y, x16, R) // the imports
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

    /// The record at this calldata offset against the state of its chain, and what follows from it. Storage is read and
    /// written by whole slots: this is where the gas goes.
    function _settleRecord(uint256 i, uint256 record, Cursor memory cursor) private {
        uint256 chainId = _word(record, CHAIN_ID);
        Chain storage c = chains[chainId];
        uint256 slots = _checkLeafKey(i, record, chainId);
        uint256 old; // batchNumber, depositsConsumed, escrow: 64, 64 and 128 bits from the lowest
        uint256 fixed_; // operator, mode, depositsQueued: 160, 8 and 64 bits
        assembly ("memory-safe") {
            old := sload(add(c.slot, 1))
            fixed_ := sload(add(c.slot, 2))
        }
        if (uint160(fixed_) == 0) revert UnknownChain(chainId);
        address operator = address(uint160(fixed_));
        if (operator != msg.sender && !settlers[chainId][operator][msg.sender]) revert NotSettler(chainId);
        if (slots == 0) revert UnknownLeafKey(i, _word(record, VK_DIGEST));
        if (_word(record, MODE) != uint8(fixed_ >> 160)) revert WrongMode(i);
        unchecked {
            uint256 number = uint256(uint64(old)) + 1;
            if (_word(record, BATCH_NUMBER) != number) revert WrongBatchNumber(i, number - 1, _word(record, BATCH_NUMBER));
            if (_word(record, OLD_ROOT) != c.stateRoot) revert WrongOldRoot(i);
            uint256 start = uint64(old >> 64);
            uint256 count = _word(record, DEPOSIT_COUNT);
            if (_word(record, DEPOSIT_START) != start) revert WrongDepositStart(i, start, _word(record, DEPOSIT_START));
            if (start + count > uint64(fixed_ >> 168)) revert DepositsNotQueued(i);

            Tally memory t = cursor.tally;
            _readData(i, record, cursor, slots);
            if (t.deposits != count || t.withdrawals != _word(record, WITHDRAWALS)) revert CountsDiffer(i);
            if (_word(record, TRANSFERS) > slots) revert CountsDiffer(i);
            if (t.totalIn != _word(record, TOTAL_IN) || t.totalOut != _word(record, TOTAL_OUT)) revert TotalsDiffer(i);
            if (t.totalRefused != _word(record, TOTAL_REFUSED)) revert TotalsDiffer(i);
            if (count != 0 && t.hash != depositHash[chainId][uint64(start + count)]) revert DepositsDiffer(i);
            // totals are sums of at most 4,096 numbers of 64 bits: nothing wraps
            uint256 held = (old >> 128) + t.totalIn;
            uint256 leaving = t.totalOut + t.totalRefused;
            if (leaving > held) revert EscrowTooLow(i);
            uint256 updated = number | (start + count) << 64 | (held - leaving) << 128;
            uint256 root = _word(record, NEW_ROOT);
            assembly ("memory-safe") {
                sstore(c.slot, root)
                sstore(add(c.slot, 1), updated)
            }
        }
    }

    /// Slots of a batch of the leaf key that the record names; 0: the chain does not allow the key.
    function _checkLeafKey(uint256 i, uint256 record, uint256 chainId) private returns (uint256 slots) {
        LeafKey storage k = leafKeys[chainId][_word(record, VK_DIGEST)];
        uint256 key; // activeFrom, slots, depth, outbox: 64, 32, 8 and 8 bits
        assembly ("memory-safe") {
            key := sload(k.slot)
        }
        if (block.timestamp < uint64(key)) revert NotActiveYet(uint64(key));
        slots = uint32(key >> 64);
        if (slots != 0 && _word(record, OPERATOR) >> (uint8(key >> 96) - 1) != 0) revert WordOutOfRange(i, OPERATOR + IMPORT_WORDS);
        if (key >> 104 != 0) outbox[chainId][uint64(_word(record, BATCH_NUMBER))] = _word(record, OUTBOX_ROOT);
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

    /// Where in the calldata the next row stands, and what was read. The order of the fields is used below.
    struct Cursor {
        uint256 position;
        uint256 end;
        Tally tally; // of the record that is being read
        uint256 row; // of memory that its words go to
        uint256 power; // x_d^(3 k) at slot k
        uint256 y;
    }

    /// Rows to words in memory, behind tag and D: x_d is their hash, y_d their polynomial at x_d. The claimed x_d
    /// serves while reading and is compared at the end.
    function _readData(uint256 i, uint256 record, Cursor memory cursor, uint256 slots) private {
        uint256 x = _word(record, DATA_X);
        uint256 buffer;
        assembly ("memory-safe") {
            buffer := mload(0x40)
            let length := mul(slots, 96)
            mstore(buffer, "hyperfold.data.v1")
            mstore(add(buffer, 17), calldataload(add(record, 0x120))) // D
            calldatacopy(add(buffer, 49), calldatasize(), length) // zeros
            mstore(0x40, and(add(add(buffer, length), 80), not(31))) // taken while rows are read
            calldatacopy(mload(add(cursor, 64)), calldatasize(), 192) // the tally: zeros
        }
        cursor.row = buffer + 49;
        cursor.power = 1;
        cursor.y = 0;
        uint256 last = buffer + 49 + 96 * slots;
        _readPlain(cursor, last, mulmod(mulmod(x, x, R), x, R));
        while (cursor.row != last) {
            _readRow(i, record, cursor);
            _readPlain(cursor, last, mulmod(mulmod(x, x, R), x, R));
        }
        if (cursor.position > cursor.end) revert DataMalformed(i);
        uint256 hash;
        assembly ("memory-safe") {
            hash := mod(keccak256(buffer, sub(last, buffer)), R)
            mstore(0x40, buffer) // free again: the next record uses the same memory
        }
        if (hash != x || cursor.y != _word(record, DATA_Y)) revert DataFingerprint(i);
    }

    /// No-ops and transfers, of which there are most, up to a row of another kind or the last row.
    function _readPlain(Cursor memory cursor, uint256 last, uint256 x3) private pure {
        assembly ("memory-safe") {
            let p := mload(cursor)
            let row := mload(add(cursor, 0x60))
            let power := mload(add(cursor, 0x80))
            for {} lt(row, last) { row := add(row, 96) } {
                let head := calldataload(p)
                if shr(249, head) { break }
                if iszero(head) {
                    // 32 no-ops at once
                    if iszero(gt(add(row, 3072), last)) {
                        let x96 := mulmod(x3, x3, R)
                        x96 := mulmod(x96, x96, R)
                        x96 := mulmod(x96, x96, R)
                        x96 := mulmod(x96, x96, R)
                        x96 := mulmod(x96, x96, R)
                        power := mulmod(power, x96, R)
                        p := add(p, 32)
                        row := add(row, 2976)
                        continue
                    }
                }
                if shr(248, head) {
                    head := or(shl(8, shr(80, shl(8, head))), 1) // word 0: fee amount to from type
                    mstore(row, head)
                    mstore(add(cursor, 0xa0), addmod(mload(add(cursor, 0xa0)), mulmod(power, head, R), R))
                    p := add(p, 22)
                }
                p := add(p, 1)
                power := mulmod(power, x3, R)
            }
            mstore(cursor, p)
            mstore(add(cursor, 0x60), row)
            mstore(add(cursor, 0x80), power)
        }
    }

    /// A withdrawal or deposit: its words to memory, its effects, and their part of y_d.
    function _readRow(uint256 i, uint256 record, Cursor memory cursor) private {
        uint256 x = _word(record, DATA_X);
        uint256 p = cursor.position;
        uint256 row = cursor.row;
        uint256 word0;
        assembly ("memory-safe") {
            let head := calldataload(p)
            word0 := or(shl(8, shr(80, shl(8, head))), shr(248, head)) // fee amount to from type
        }
        uint256 size = uint8(word0) == 2 ? 43 : 107;
        uint256 value; // word 0 + x word 1 + x^2 word 2
        unchecked {
            if (uint8(word0) > 4 || p + size > cursor.end) revert DataMalformed(i);
            cursor.position = p + size;
            cursor.row = row + 96;
        }
        if (uint8(word0) == 2) {
            uint256 account;
            assembly ("memory-safe") {
                account := shr(96, calldataload(add(p, 23)))
                mstore(row, word0)
                mstore(add(row, 32), account)
                value := addmod(word0, mulmod(account, x, R), R)
            }
            _withdrawal(_word(record, CHAIN_ID), cursor.tally, address(uint160(account)), uint64(word0 >> 56));
        } else {
            assembly ("memory-safe") {
                let keyX := calldataload(add(p, 23))
                let keyY := calldataload(add(p, 55))
                let low := sub(shl(248, 1), 1)
                // the keys are canonical: only such keys are in the queue, which the hash is compared with
                value := or(word0, or(shl(184, shr(248, keyX)), shl(190, shr(248, keyY))))
                mstore(row, value)
                mstore(add(row, 32), and(keyX, low))
                mstore(add(row, 64), and(keyY, low))
                value := addmod(value, mulmod(x, addmod(and(keyX, low), mulmod(x, and(keyY, low), R), R), R), R)
            }
            _deposit(record, cursor.tally, p, word0);
        }
        cursor.y = addmod(cursor.y, mulmod(cursor.power, value, R), R);
        cursor.power = mulmod(cursor.power, mulmod(mulmod(x, x, R), x, R), R);
    }

    function _withdrawal(uint256 chainId, Tally memory t, address account, uint64 amount) private {
        unchecked {
            t.withdrawals++;
            t.totalOut += amount;
        }
        _credit(chainId, account, amount, false);
    }

    /// The next link of the queue's rolling hash; p: of the row.
    function _deposit(uint256 record, Tally memory t, uint256 p, uint256 word0) private {
        uint256 chainId = _word(record, CHAIN_ID);
        uint64 amount = uint64(word0 >> 56);
        bytes32 hash = t.deposits == 0 ? depositHash[chainId][uint64(_word(record, DEPOSIT_START))] : t.hash;
        address maker;
        assembly ("memory-safe") {
            let free := mload(0x40)
            maker := shr(96, calldataload(add(p, 87)))
            mstore(free, hash)
            calldatacopy(add(free, 32), add(p, 23), 64)
            mstore(add(free, 96), amount)
            mstore(add(free, 128), maker)
            hash := keccak256(free, 160)
        }
        t.hash = hash;
        unchecked {
            t.deposits++;
            t.totalIn += amount;
            if (uint8(word0) == 4) {
                t.totalRefused += amount;
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
